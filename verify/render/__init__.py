"""Pictures: state diagrams of machines, and the states that a scenario reaches."""
