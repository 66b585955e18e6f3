"""The template of a person: numbered frames, landmarks, crop boxes."""
