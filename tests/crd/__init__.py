"""The CustomResourceDefinition: what is generated, what the API server accepts and refuses, and what it says then."""
