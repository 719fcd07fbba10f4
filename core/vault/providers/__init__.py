"""One module a provider, each importing its SDK at the top and itself imported on first use."""
