"""The verbs of `./run`, one module each; `entrance` picks one. The contract is in docs/architecture.md."""
