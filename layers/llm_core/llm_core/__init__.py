"""Everything Drey knows about calling and paying for models. Names come from the room that owns them."""
