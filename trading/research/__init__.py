"""Research: configurations tried on history. Nothing here sends an order; it meets `orders` in the engine only."""
