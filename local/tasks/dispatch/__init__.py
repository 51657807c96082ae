"""From a pending task to the request that its worker sees, and from the answer to what is next."""
