"""The question back: the condition on the open parameters under which a property holds."""
