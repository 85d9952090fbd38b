"""Run by the interpreter of EDS-NLP's own environment: JSONL texts in on standard input, seconds and flags out.

The peer's reading is: a benefit is named and EDS-NLP says that it is negated."""

import json
import sys
import time

import edsnlp
import edsnlp.pipes as eds

nlp = edsnlp.blank("eds")
nlp.add_pipe(eds.normalizer())
nlp.add_pipe(eds.sentences())
nlp.add_pipe(
    eds.matcher(
        terms={
            "benefit": [
                "CMU", "CMU-C", "CMUC", "C2S", "CSS", "ACS", "AME", "complémentaire santé solidaire",
                "aide médicale d'État", "aide médicale de l'État", "couverture maladie universelle",
            ]
        },
        attr="NORM",
    )
)  # fmt: skip
nlp.add_pipe(eds.negation())
texts = [json.loads(line) for line in sys.stdin]
for text in texts[:50]:
    nlp(text)
began = time.perf_counter()
flags = [any(span._.negation for span in nlp(text).ents) for text in texts]
json.dump({"seconds": time.perf_counter() - began, "flags": flags}, sys.stdout)
