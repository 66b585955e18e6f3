"""Sentences to speak: everyday English in which every phone occurs beside many others; written for this program."""

from collections.abc import Iterator

import numpy as np

SENTENCES = tuple(
    line.strip()
    for line in """
    Bright blue paper boats bobbed past the old mill.
    My mother moved five heavy boxes up the basement steps.
    Would you wait while we water the yellow roses?
    The judge chose a huge orange from the kitchen shelf.
    Few people visit the river before five in the morning.
    She usually measures the treasure with great pleasure.
    Both brothers bathed in the smooth warm pool.
    Put the big brown pan back above the stove, please.
    A quiet voice explained how the whole machine works.
    Fresh fish and chips arrive every Friday afternoon.
    Thin clouds gather over the southern mountains at dusk.
    We grow peas, beans and pumpkins behind the barn.
    The young nurse heard a curious noise next door.
    Poor weather kept the ferry from leaving the harbour.
    I thought the show would start at a quarter to four.
    Bob made a map of every bump on the muddy road.
    Vera gave very brief answers to all of the questions.
    Cool moonlight fell through the window of my room.
    How now shall we count the pounds of ground flour?
    The boy enjoys noisy toys and oily coins.
    Please welcome our next guest, who has come from afar.
    Today we look at three simple ways to save power.
    The report shows that prices fell by about seven percent.
    If you have any questions, we are happy to help you.
    Maybe you remember the name of that small museum.
    Fluffy white feathers floated off the farm fence.
    Push the blue button, then pull the wooden lever.
    Each teacher brought a peach and a piece of cheese.
    Her early work in Perth was worth the journey.
    What a wonderful view of the wide western valley!
    Thank you for watching, and see you again tomorrow.
    Jim packed the garage with cages, badges and jugs.
    The chef whipped cream while warm apple pie baked.
    Pam, Ben and Mabel boarded the number nine bus.
    Those clothes are softer than the leather gloves.
    A rough cough shook him throughout the long night.
    Good cooks look for books about sugar and pudding.
    Open the map and move the marker to the top.
    Seven zebras slept beside the busy zoo entrance.
    Every evening Vivian plays five favourite vinyl records.
    """.splitlines()
    if line.strip()
)

SHAPES = (
    "The {a} {n} {v} the {a} {n}.",
    "{w}, my {n} and the {a} {n} {v} {d}.",
    "{w}, {d}, a {a} {n} {v} {k} {n}s.",
    "Why would {k} {a} {n}s wait for a {n} {d}?",
    "They {v} every {n} with {k} {a} {n}s.",
    "{k} or {k} {n}s, {w}, but never a {a} {n}!",
)
WORDS = {
    "a": """
        big, broad, blue, faint, fair, hollow, huge, loud, loyal, modern, narrow, new, odd, pale, plum, purple,
        quick, rough, round, shiny, short, small, smooth, strange, thick, thin, tough, vague, warm, weary, wide,
        young, foggy, velvet, moving, happy
    """,
    "n": """
        apple, arrow, beach, bird, bottle, bowl, camera, chair, church, cloud, coin, father, feather, film, flower,
        game, garage, girl, hammer, journey, kitchen, lamp, law, leather, letter, lion, measure, meadow, moon,
        mouth, museum, office, path, piano, photo, pillow, pool, poem, ribbon, shadow, ship, shoe, stove, table,
        thumb, tooth, tower, uncle, valley, view, village, vision, voice, waffle, wheel, window, wolf, woman, yard,
        youth, zone
    """,
    "v": """
        admires, avoids, bought, borrowed, changes, carved, chose, drew, enjoys, finds, forgave, follows, gathered,
        judged, kept, leaves, loves, measured, moved, notices, owned, paints, pushed, pulled, raised, shows, sold,
        thanked, used, valued, warmed, washed, watches, weighs, welcomed, wraps
    """,
    "d": """
        after lunch, again and again, before Monday, by the river, far away, in August, in the open air, on Thursday
        evening, over the bridge, quietly, this very moment, through the fog, under the roof, with great pleasure,
        without any hurry, at half past four
    """,
    "k": """
        two, three, four, five, seven, nine, twelve, thirty, fifty, both, few, many, some, those
    """,
    "w": """
        maybe, of course, however, to be fair, in my view, as you know, usually, for example, by the way, oh yes,
        perhaps, believe me, above all
    """,
}


def sentences(seed: int) -> Iterator[str]:
    """Without end: those above in the order of `seed`, each followed by two that are put together by chance."""
    random = np.random.default_rng(seed)
    lists = {kind: [word.strip() for word in words.split(",")] for kind, words in WORDS.items()}
    while True:
        for written in random.permutation(SENTENCES):
            yield str(written)
            for shape in random.choice(SHAPES, 2):
                text = str(shape)
                for kind, words in lists.items():
                    while "{" + kind + "}" in text:
                        text = text.replace("{" + kind + "}", str(random.choice(words)), 1)
                yield text[0].upper() + text[1:]
