"""The recording of a person: numbered frames, landmarks, crop boxes."""
