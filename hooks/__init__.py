"""The sandbox that runs scripts: it has never heard of the store."""
