"""Publishing a corpus on the HF Hub: what may leave, and how it gets there.

``release`` says, without the network, which files leave and what keeps them here; ``send`` moves a
release through ``client``, the one file that knows the Hub's client.
"""
