"""Starts and stops the whole shop on one machine: back ends from wheels, Dapr's control plane, and the apps."""
