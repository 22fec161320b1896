"""Who gets in: passwords, sessions, and the door in front of everything that Streamlit serves."""
