"""Other ways to put the same network on Lambda, as short as tutorials have them; each is a package of its own."""
