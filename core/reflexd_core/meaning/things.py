"""Things of one kind that are not software: foods, remedies, illnesses. As with names, two questions that each tell
of one of a kind, and not the same, ask for two answers. They are kept apart from the names of tools, which may stand
anywhere in a question without changing it.

Only words stand here that hardly ever mean anything else: *orange*, *back* and *cold* do.
"""

from reflexd_core.meaning.names import spelled

_KINDS = {
    "remedy": """ibuprofen advil nurofen | paracetamol acetaminophen tylenol | aspirin | naproxen | amoxicillin |
        penicillin | metformin | insulin | prednisone | omeprazole | statin statins | melatonin | cetirizine |
        loratadine | codeine | morphine | antibiotic antibiotics | antihistamine antihistamines | metoprolol |
        lisinopril | levothyroxine | warfarin | sertraline | fluoxetine""",
    "illness": """flu influenza | covid covid-19 coronavirus | measles | chickenpox | malaria | pneumonia |
        bronchitis | asthma | migraine migraines | diabetes | cancer | arthritis | eczema | psoriasis | anemia
        anaemia | gout | shingles | mumps | rabies | tetanus | hepatitis | tuberculosis | dementia | tonsillitis
        | appendicitis | gastritis | lupus | vertigo | tinnitus | sinusitis | conjunctivitis""",
    "symptom": """fever | rash | cough | headache headaches | vomiting | diarrhea diarrhoea | constipation | nausea |
        itching | earache | toothache | heartburn | dizziness | bloating | hiccups | nosebleed nosebleeds""",
    "part of the body": """knee knees | shoulder shoulders | ankle ankles | wrist wrists | elbow elbows | hip hips |
        ear ears | tooth teeth | nose | throat | stomach | kidney kidneys | liver | lung lungs""",
    "animal": """dog dogs puppy | cat cats kitten | rabbit rabbits | hamster hamsters | horse horses | cow cows |
        pig pigs | goat goats | sheep | parrot parrots | turtle turtles | snake snakes | bee bees | wasp wasps""",
    "food": """rice | pasta | bread | potato potatoes | tomato tomatoes | onion onions | garlic | egg eggs | milk |
        butter | cheese | yogurt yoghurt | flour | sugar | honey | beef | pork | lamb | salmon | tuna |
        shrimp prawns | tofu | lentils | quinoa | oats | banana bananas | avocado avocados | mushroom mushrooms |
        carrot carrots | broccoli | spinach | cabbage | grapes | raisins | strawberries | coffee | wine | beer""",
    "sport": """football soccer | basketball | baseball | tennis | golf | cricket | rugby | hockey | volleyball |
        swimming | cycling | boxing | badminton""",
    "instrument": "guitar | piano | violin | drums | flute | cello | trumpet | saxophone | ukulele | clarinet",
    "planet": "venus | mars | jupiter | saturn | uranus | neptune | pluto",
    "cloth": "carpet rug | sofa couch | shirt | curtain curtains | mattress | jeans | tablecloth",
    "feast": """wedding | birthday | funeral | graduation | anniversary | christmas | easter | halloween |
        thanksgiving""",
    "kind of text": "resume cv | letter | essay | speech | poem | story | proposal",
    "device": """printer printers | keyboard | monitor | webcam | microphone | speaker speakers | headphones |
        scanner""",
}

THINGS = spelled(_KINDS)
"""A word to its kinds, each with the thing it goes by there."""
