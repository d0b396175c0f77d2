"""Text to system: grammar, syntax tree, names, types, expansion of scenarios, lowering. The one door to lark."""
