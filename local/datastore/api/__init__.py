"""The service's methods by name, and the server that answers them over gRPC and REST."""
