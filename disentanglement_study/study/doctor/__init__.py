"""What a run would meet on a cluster or on this machine: nodes, devices, versions, folders, clocks."""
