"""The parts of the Training tab: what is trained on, what a run is to be, and a run as it goes."""
