"""Seals: a Merkle root over what was captured and logged, chained, stamped by authorities. It opens no connection.

Who asks an authority over the network is handed in (`Transport`): `monitor` owns the network.
"""
