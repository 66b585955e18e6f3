"""Sentences to speak: everyday English in which every phone occurs beside many others; written for this program."""

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
