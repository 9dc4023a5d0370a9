"""What one says of CelebA's attributes, for who writes sentences of them and for who reads them.

`misc/sources/attribute_captions.py` makes sentences of these words, `misc/words/faces.py` finds
them in sentences.
"""

HAIR_COLOURS = {
    "Black_Hair": ("black", "black", "dark"),
    "Blond_Hair": ("blond", "blonde", "fair"),
    "Brown_Hair": ("brown",),
    "Gray_Hair": ("gray", "grey"),
}
HAIR_STYLES = {"Straight_Hair": ("straight",), "Wavy_Hair": ("wavy",)}
# What one says of a part of the face, with the part first or last.
TRAITS = {
    "Arched_Eyebrows": ("eyebrows", ("arched", "curved")),
    "Big_Lips": ("lips", ("full", "big", "thick")),
    "Big_Nose": ("nose", ("big", "large")),
    "Bushy_Eyebrows": ("eyebrows", ("bushy", "thick")),
    "High_Cheekbones": ("cheekbones", ("high", "prominent")),
    "Mouth_Slightly_Open": ("mouth", ("slightly open", "half open")),
    "Narrow_Eyes": ("eyes", ("narrow", "narrowed")),
    "Oval_Face": ("face", ("oval",)),
    "Pale_Skin": ("skin", ("pale", "fair")),
    "Pointy_Nose": ("nose", ("pointy", "pointed")),
    "Rosy_Cheeks": ("cheeks", ("rosy", "pink")),
}
UNCOUNTED = ("hair", "skin")
HAS = {
    "Bags_Under_Eyes": ("bags under the eyes",),
    "Bangs": ("bangs", "a fringe"),
    "Double_Chin": ("a double chin",),
    "Mustache": ("a mustache", "a moustache"),
    "Receding_Hairline": ("a receding hairline",),
    "Sideburns": ("sideburns",),
}
WEARS = {
    "Eyeglasses": ("glasses", "glasses", "eyeglasses", "a pair of glasses"),
    "Heavy_Makeup": ("heavy makeup", "heavy make-up", "a lot of makeup"),
    "Wearing_Earrings": ("earrings",),
    "Wearing_Hat": ("a hat",),
    "Wearing_Lipstick": ("lipstick",),
    "Wearing_Necklace": ("a necklace",),
    "Wearing_Necktie": ("a tie", "a necktie"),
}
BALD = (("is", "bald"), ("has", "a bald head"))
SMILING = (("is", "smiling"), ("is", "smiling"), ("has", "a smile"))
NOT_SMILING = (("is", "not smiling"),)
SHAVEN = (("is", "clean-shaven"),)
PICTURES = ("a photo of", "a picture of", "a portrait of", "the face of")
