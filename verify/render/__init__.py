"""Runs as pictures: sequence diagrams, in SVG, PNG and PDF."""
