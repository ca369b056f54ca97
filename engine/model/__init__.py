"""The nouns of the engine as frozen data, a file a subject: nothing here touches the world."""
