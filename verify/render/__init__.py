"""Pictures: runs as sequence diagrams, machines as state diagrams, and the states that a scenario reaches."""
