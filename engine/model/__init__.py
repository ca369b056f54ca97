"""The nouns of the engine, in the order a mail meets them: frozen data, no behaviour that touches the world."""
