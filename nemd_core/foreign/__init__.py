"""Other codes: inputs for them, and what they wrote."""
