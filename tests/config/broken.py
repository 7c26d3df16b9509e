"""Files as people write them that are not TOML, and what is said of each, word for word."""

# ruff: noqa: RUF001 - they are what people write

BROKEN: list[tuple[str, str]] = [
    (
        """\
[audio]
volume = 5 0""",
        (
            "settings:2: audio.volume: there is a space in the number\n"
            "    2 | volume = 5 0\n"
            "      |           ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 50   (or volume = 5)"
        ),
    ),
    (
        ("[model]\nvoice = “marin”"),
        (
            "settings:2: model.voice: “ (U+201C) is no quotation mark of TOML\n"
            "    2 | voice = “marin”\n"
            "      |         ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"'
        ),
    ),
    (
        ("[model]\nvoice = „marin“  # Stimme"),
        (
            "settings:2: model.voice: „ (U+201E) is no quotation mark of TOML\n"
            "    2 | voice = „marin“  # Stimme\n"
            "      |         ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"  # Stimme'
        ),
    ),
    (
        """\
[model]
voice = marin""",
        (
            "settings:2: model.voice: this text stands without quotes\n"
            "    2 | voice = marin\n"
            "      |         ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"'
        ),
    ),
    (
        """\
[model]
voice = "marin
speed = 1""",
        (
            "settings:2: model.voice: the quotation mark at the end is missing\n"
            '    2 | voice = "marin\n'
            "      |               ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"'
        ),
    ),
    (
        """\
[model]
voice = "marin'""",
        (
            "settings:2: model.voice: a text that begins with \" ends with '\n"
            "    2 | voice = \"marin'\n"
            "      |               ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"'
        ),
    ),
    (
        """\
[model]
voice = 'marin   # soft""",
        """\
settings:2: model.voice: the quotation mark at the end is missing
    2 | voice = 'marin   # soft
      |               ^
    allowed: a text in quotes
    Write: voice = "marin"   # soft""",
    ),
    (
        """\
[wake_word]
enabled = yes""",
        (
            "settings:2: wake_word.enabled: yes is not allowed here\n"
            "    2 | enabled = yes\n"
            "      |           ^\n"
            "    allowed: true or false\n"
            "    Write: enabled = true"
        ),
    ),
    (
        """\
[wake_word]
enabled = True""",
        (
            "settings:2: wake_word.enabled: True must be in small letters\n"
            "    2 | enabled = True\n"
            "      |           ^\n"
            "    allowed: true or false\n"
            "    Write: enabled = true"
        ),
    ),
    (
        """\
[audio.gate]
silero = on""",
        (
            "settings:2: audio.gate.silero: on stands without quotes\n"
            "    2 | silero = on\n"
            "      |          ^\n"
            '    allowed: "auto" or "on" or "off"\n'
            '    Write: silero = "on"'
        ),
    ),
    (
        """\
[audio]
volume = 30%""",
        (
            "settings:2: audio.volume: % stands after the number: a number has no unit\n"
            "    2 | volume = 30%\n"
            "      |            ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[panel.light.states.idle]
color = #ff0000""",
        (
            "settings:2: panel.light.states.idle.color: #ff0000 begins a comment here, so nothing stands after =\n"
            "    2 | color = #ff0000\n"
            "      |         ^\n"
            "    allowed: a text in quotes\n"
            '    Write: color = "#ff0000"'
        ),
    ),
    (
        """\
[audio]
volume: 30""",
        """\
settings:2: audio.volume: a colon stands where = belongs
    2 | volume: 30
      |       ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        """\
audio:
  volume: 30""",
        (
            "settings:1: audio: a colon ends this name\n"
            "    1 | audio:\n"
            "      |      ^\n"
            "    Write: [audio]   (its settings on the lines below)\n"
            "settings:2: audio.volume: a colon stands where = belongs\n"
            "    2 |   volume: 30\n"
            "      |         ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[audio]
volume = 30;""",
        (
            "settings:2: audio.volume: a semicolon stands at the end of the line\n"
            "    2 | volume = 30;\n"
            "      |            ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[audio]
volume = 30 // loud""",
        (
            "settings:2: audio.volume: a comment begins with #, not with //\n"
            "    2 | volume = 30 // loud\n"
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30   # loud"
        ),
    ),
    (
        """\
// my settings
[audio]""",
        (
            "settings:1: a comment begins with #, not with //\n"
            "    1 | // my settings\n"
            "      | ^\n"
            "    Write: # my settings"
        ),
    ),
    (
        "; my settings",
        (
            "settings:1: a comment begins with #, not with ;\n"
            "    1 | ; my settings\n"
            "      | ^\n"
            "    Write: # my settings"
        ),
    ),
    (
        ('[audio]\nvolume = 30\n[model]\nvoice = "x"\n[audio]\necho = "off"'),
        (
            "settings:5: audio: this table was begun in line 1 already\n"
            "    5 | [audio]\n"
            "      | ^\n"
            "    Move the lines below this one up into the table of line 1, and delete this line."
        ),
    ),
    (
        """\
[audio]
volume = 30
volume = 40""",
        (
            "settings:3: audio.volume: already set in line 2\n"
            "    3 | volume = 40\n"
            "      | ^\n"
            "    Delete one of the two lines: a setting has one value."
        ),
    ),
    (
        ("[audio]\nvolume\t30"),
        """\
settings:2: audio.volume: = is missing between volume and its value
    2 | volume 30
      |        ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        """\
[audio
volume = 3""",
        """\
settings:1: audio: the [ of a table is not closed
    1 | [audio
      | ^
    Write: [audio]""",
    ),
    (
        ('[[tools.commands]\nname = "x"'),
        (
            "settings:1: the first tools.commands: two brackets open this table, and one closes it\n"
            "    1 | [[tools.commands]\n"
            "      |                 ^\n"
            "    Write: [[tools.commands]]\n"
            "settings:1: the first tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:1: the first tools.commands: argv: this key is needed\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty"
        ),
    ),
    (
        """\
[audio]]
volume = 3""",
        (
            "settings:1: audio: one bracket opens this table, and two close it\n"
            "    1 | [audio]]\n"
            "      |        ^\n"
            "    Write: [audio]"
        ),
    ),
    (
        """\
[audio gate]
hangover_ms = 3""",
        (
            "settings:1: 'audio gate' is no name of a table\n"
            "    1 | [audio gate]\n"
            "      | ^\n"
            "    Write: [audio.gate]\n"
            "settings:2: audio.gate.hangover_ms = 3: not allowed\n"
            "    allowed: a whole number from 100 to 10000"
        ),
    ),
    (
        """\
[wake word]
enabled = true""",
        """\
settings:1: 'wake word' is no name of a table
    1 | [wake word]
      | ^
    Write: [wake_word]""",
    ),
    (
        "[audio] volume = 3",
        (
            "settings:1: a setting stands on the line of its table\n"
            "    1 | [audio] volume = 3\n"
            "      |         ^\n"
            "    Write: [audio]\n"
            "           volume = 3"
        ),
    ),
    (
        "wake word = true",
        (
            "settings:1: 'wake word' is no name: there is a space in it\n"
            "    1 | wake word = true\n"
            "      |     ^\n"
            "    Write: [wake_word]\n"
            "           enabled = true"
        ),
    ),
    (
        ("[audio]\nvolume = "),
        (
            "settings:2: audio.volume: nothing stands after =\n"
            "    2 | volume =\n"
            "      |         ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write a value; or put # before the line, and the default counts."
        ),
    ),
    (
        """\
[audio]
volume""",
        """\
settings:2: audio.volume: volume has neither = nor a value
    2 | volume
      | ^
    allowed: a whole number from 0 to 100
    Write = and a value after it; or put # before the line.""",
    ),
    (
        """\
[panel.light]
rgb_pins = 5, 6, 7""",
        (
            "settings:2: panel.light.rgb_pins: there are several values, and no list\n"
            "    2 | rgb_pins = 5, 6, 7\n"
            "      |             ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = [5 6 7]""",
        (
            "settings:2: panel.light.rgb_pins: a comma is missing in this list\n"
            "    2 | rgb_pins = [5 6 7]\n"
            "      |               ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = [5, 6, 7
led_pin = 3""",
        (
            "settings:2: panel.light.rgb_pins: the [ of this list is not closed\n"
            "    2 | rgb_pins = [5, 6, 7\n"
            "      |            ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = (5, 6, 7)""",
        (
            "settings:2: panel.light.rgb_pins: a list stands in brackets, not in parentheses\n"
            "    2 | rgb_pins = (5, 6, 7)\n"
            "      |            ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = {5, 6, 7}""",
        (
            "settings:2: panel.light.rgb_pins: a list stands in [ ], not in { }\n"
            "    2 | rgb_pins = {5, 6, 7}\n"
            "      |            ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = [GPIO5, GPIO6, GPIO7]""",
        (
            "settings:2: panel.light.rgb_pins: GPIO5 stands without quotes\n"
            "    2 | rgb_pins = [GPIO5, GPIO6, GPIO7]\n"
            "      |             ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            '    Write: rgb_pins = ["GPIO5", "GPIO6", "GPIO7"]'
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = [5; 6; 7]""",
        (
            "settings:2: panel.light.rgb_pins: semicolons stand where commas belong\n"
            "    2 | rgb_pins = [5; 6; 7]\n"
            "      |              ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
night_from = 22:00""",
        (
            "settings:2: panel.light.night_from: a time of day stands without quotes\n"
            "    2 | night_from = 22:00\n"
            "      |              ^\n"
            "    allowed: a text in quotes\n"
            '    Write: night_from = "22:00"'
        ),
    ),
    (
        """\
[panel.light]
night_from = 7:00""",
        (
            "settings:2: panel.light.night_from: a time of day stands without quotes\n"
            "    2 | night_from = 7:00\n"
            "      |              ^\n"
            "    allowed: a text in quotes\n"
            '    Write: night_from = "07:00"'
        ),
    ),
    (
        """\
[panel.button]
pin = GPIO17""",
        (
            "settings:2: panel.button.pin: GPIO17 stands without quotes\n"
            "    2 | pin = GPIO17\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            '    Write: pin = "GPIO17"'
        ),
    ),
    (
        """\
[panel.button]
pin = 017""",
        (
            "settings:2: panel.button.pin: a number must not begin with 0\n"
            "    2 | pin = 017\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: pin = 17"
        ),
    ),
    (
        """\
[model]
speed = 1,1""",
        (
            "settings:2: model.speed: a comma stands where the point of a number belongs\n"
            "    2 | speed = 1,1\n"
            "      |          ^\n"
            "    allowed: a number from 0.25 to 1.5\n"
            "    Write: speed = 1.1"
        ),
    ),
    (
        """\
[model]
speed = .9""",
        """\
settings:2: model.speed: a digit is missing before the point
    2 | speed = .9
      |         ^
    allowed: a number from 0.25 to 1.5
    Write: speed = 0.9""",
    ),
    (
        ('[model]\ninstructions = """\nBe brief.\n[audio]\nvolume = 3'),
        (
            'settings:2: model.instructions: this text begins with """ and is never closed\n'
            '    2 | instructions = """\n'
            "      |                ^\n"
            "    allowed: a text in quotes\n"
            '    Write """ on a line of its own where the text ends.'
        ),
    ),
    (
        ('[model]\ninstructions = "Be brief.\nBe kind."\nvoice = "x"'),
        (
            "settings:2: model.instructions: a text of several lines has three quotation marks at each end\n"
            '    2 | instructions = "Be brief.\n'
            "      |                ^\n"
            "    allowed: a text in quotes\n"
            "    Write in place of lines 2 to 3:\n"
            '        instructions = """Be brief.\n'
            '        Be kind."""'
        ),
    ),
    (
        ('[model]\ninstructions = "Say "hello" first."'),
        """\
settings:2: model.instructions: a " within the text ends it
    2 | instructions = "Say "hello" first."
      |                     ^
    allowed: a text in quotes
    Write: instructions = 'Say "hello" first.'""",
    ),
    (
        """\
[model]
instructions = 'don't say much'""",
        (
            "settings:2: model.instructions: a ' within the text ends it\n"
            "    2 | instructions = 'don't say much'\n"
            "      |                    ^\n"
            "    allowed: a text in quotes\n"
            '    Write: instructions = "don\'t say much"'
        ),
    ),
    (
        ('[model]\napi_key_file = "C:\\Users\\key"'),
        (
            'settings:2: model.api_key_file: in "..." a backslash begins a code, and this is none\n'
            '    2 | api_key_file = "C:\\Users\\key"\n'
            "      |                   ^\n"
            "    allowed: a text in quotes\n"
            "    Also: a service has no folder of its own, so the path must be absolute. Write it from the root, as /etc/speakerd/api-key."
        ),
    ),
    (
        ('[model]\napi_key_file = "C:\\keys\\"'),
        (
            'settings:2: model.api_key_file: in "..." a backslash begins a code, and this is none\n'
            '    2 | api_key_file = "C:\\keys\\"\n'
            "      |                   ^\n"
            "    allowed: a text in quotes\n"
            "    Also: a service has no folder of its own, so the path must be absolute. Write it from the root, as /etc/speakerd/api-key."
        ),
    ),
    (
        """\
[model]
headers = { X-Room: "kitchen" }""",
        (
            "settings:2: model.headers: a colon stands where = belongs, inside the braces\n"
            "    2 | headers = ********\n"
            "      |           ^\n"
            "    allowed: a table of names, each with a text in quotes\n"
            '    Write: headers = { X-Room = "..." }   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        """\
[model]
headers = {
  X-Room = "kitchen",
}""",
        (
            "settings:2: model.headers: a table in braces must stand on one line\n"
            "    2 | headers = ********\n"
            "      |           ^\n"
            "    allowed: a table of names, each with a text in quotes\n"
            '    Write in place of lines 2 to 4: headers = { X-Room = "..." }   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        """\
[model]
headers = { X-Room = "kitchen", }""",
        (
            "settings:2: model.headers: a comma stands before the closing }\n"
            "    2 | headers = ********\n"
            "      |           ^\n"
            "    allowed: a table of names, each with a text in quotes\n"
            '    Write: headers = { X-Room = "..." }   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        '{ "audio": { "volume": 30 } }',
        (
            "settings:1: this looks like JSON\n"
            '    1 | { "audio": { "volume": 30 } }\n'
            "      | ^\n"
            "    Write: [audio]\n"
            "           volume = 30"
        ),
    ),
    (
        "- name: x",
        (
            "settings:1: this looks like a list of YAML\n"
            "    1 | - name: x\n"
            "      | ^\n"
            "    Write: [[tools.commands]]\n"
            '           name = "x"'
        ),
    ),
    (
        """\
[model]
language = null""",
        (
            "settings:2: model.language: null is not known here\n"
            "    2 | language = null\n"
            "      |            ^\n"
            "    allowed: a text in quotes\n"
            '    Write: language = ""   (or leave the line out, and the default counts)'
        ),
    ),
    (
        """\
[audio]
volume == 30""",
        (
            "settings:2: audio.volume: == stands where = belongs\n"
            "    2 | volume == 30\n"
            "      |        ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[audio]
volume := 30""",
        (
            "settings:2: audio.volume: := stands where = belongs\n"
            "    2 | volume := 30\n"
            "      |        ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[audio]
.volume = 30""",
        ("settings:2: the name begins with a dot\n    2 | .volume = 30\n      | ^\n    Write: volume = 30"),
    ),
    (
        ("[audio]\nlautstärke = 30"),
        (
            "settings:2: ä cannot be in a name\n"
            "    2 | lautstärke = 30\n"
            "      |       ^\n"
            "    `speakerd check --defaults` prints all names. They are made of the letters a to z, digits, _ and -."
        ),
    ),
    (
        ('[audio]\nvolume = 30 echo = "off"'),
        (
            "settings:2: audio.volume: two settings stand on one line\n"
            '    2 | volume = 30 echo = "off"\n'
            "      |             ^\n"
            '    Put  echo = "off"  on a line of its own.'
        ),
    ),
    (
        """\
[audio]
flush_ramp_ms = 7ms""",
        (
            "settings:2: audio.flush_ramp_ms: ms stands after the number: a number has no unit\n"
            "    2 | flush_ramp_ms = 7ms\n"
            "      |                  ^\n"
            "    allowed: a whole number from 1 to 100\n"
            "    Write: flush_ramp_ms = 7"
        ),
    ),
    (
        """\
[audio.gate]
hangover_ms = 1s""",
        (
            "settings:2: audio.gate.hangover_ms: s stands after the number: a number has no unit\n"
            "    2 | hangover_ms = 1s\n"
            "      |                ^\n"
            "    allowed: a whole number from 100 to 10000\n"
            "    Write: hangover_ms = 1000   (hangover_ms counts milliseconds)"
        ),
    ),
    (
        ('[tools]\ncommands = []\n[[tools.commands]]\nname = "x"'),
        (
            "settings:3: the first tools.commands: already set to an empty list in line 2\n"
            "    3 | [[tools.commands]]\n"
            "      | ^\n"
            "    Delete line 2: commands = []"
        ),
    ),
    (
        ('[[tools.commands]]\nname = "x"\n[tools.commands]\nname = "y"'),
        (
            "settings:1: the first tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:1: the first tools.commands: argv: this key is needed\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty\n"
            "settings:3: tools.commands: begun as a list of tables in line 1\n"
            "    3 | [tools.commands]\n"
            "      | ^\n"
            "    Write: [[tools.commands]]   (each begins another one)\n"
            "settings:3: the second tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:3: the second tools.commands: argv: this key is needed\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty"
        ),
    ),
    (
        """\
audio = 5
[audio]
volume = 3""",
        (
            "settings:2: audio: this is a table, and has a value in line 1\n"
            "    2 | [audio]\n"
            "      | ^\n"
            "    Delete line 1: audio = 5"
        ),
    ),
    (
        "Hello, this is my speaker",
        """\
settings:1: this line is neither a setting, nor a table, nor a comment
    1 | Hello, this is my speaker
      | ^
    Begin it with # to make it a comment.""",
    ),
    (
        """\
[model]
url = wss://api.openai.com/v1/realtime""",
        (
            "settings:2: model.url: this text stands without quotes\n"
            "    2 | url = wss://api.openai.com/v1/realtime\n"
            "      |       ^\n"
            "    allowed: a text in quotes\n"
            '    Write: url = "wss://api.openai.com/v1/realtime"'
        ),
    ),
    (
        """\
[audio]
input = plughw:CARD=Device,DEV=0""",
        (
            "settings:2: audio.input: this text stands without quotes\n"
            "    2 | input = plughw:CARD=Device,DEV=0\n"
            "      |         ^\n"
            "    allowed: a text in quotes, not empty\n"
            '    Write: input = "plughw:CARD=Device,DEV=0"'
        ),
    ),
    (
        ('[model]\nvoice = marin"'),
        (
            "settings:2: model.voice: the quotation mark at the beginning is missing\n"
            '    2 | voice = marin"\n'
            "      |         ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"'
        ),
    ),
    (
        """\
[audio]
echo = "off" 'x'""",
        (
            "settings:2: audio.echo: 'x' stands after the value\n"
            "    2 | echo = \"off\" 'x'\n"
            "      |              ^\n"
            '    allowed: "auto" or "cancel" or "half_duplex" or "off"\n'
            '    Delete it, or write # before it. The value is "off"'
        ),
    ),
    (
        """\
[audio]
volume = 1 000""",
        (
            "settings:2: audio.volume: there is a space in the number\n"
            "    2 | volume = 1 000\n"
            "      |           ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    1000 is not allowed here. Write a value that is."
        ),
    ),
    (
        "<audio>",
        ("settings:1: this looks like XML or HTML\n    1 | <audio>\n      | ^\n    Write: [audio]"),
    ),
    (
        """\
[audio]
volume = $VOLUME""",
        """\
settings:2: audio.volume: $VOLUME is no value: there are no variables here
    2 | volume = $VOLUME
      |          ^
    allowed: a whole number from 0 to 100
    Write the value itself.""",
    ),
    (
        """\
[[tools.commands]]
argv = ["/usr/bin/curl", "http://x"
approval = false""",
        (
            "settings:1: the first tools.commands: name: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 64 long\n"
            "settings:1: the first tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:2: the first tools.commands: argv: the [ of this list is not closed\n"
            '    2 | argv = ["/usr/bin/curl", "http://x"\n'
            "      |        ^\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty\n"
            '    Write: argv = ["/usr/bin/curl", "http://x"]'
        ),
    ),
    (
        """\
[[tools.commands]]
argv = [
  "/usr/bin/curl"
  "http://x"
]""",
        (
            "settings:1: the first tools.commands: name: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 64 long\n"
            "settings:1: the first tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:3: the first tools.commands: argv: a comma is missing after this element\n"
            '    3 |   "/usr/bin/curl"\n'
            "      |                  ^\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty\n"
            '    Write a comma after it:  "/usr/bin/curl",'
        ),
    ),
    (
        """\
[[tools.commands]]
argv = /usr/bin/curl http://x""",
        (
            "settings:1: the first tools.commands: name: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 64 long\n"
            "settings:1: the first tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:2: the first tools.commands: argv: this list stands without brackets\n"
            "    2 | argv = /usr/bin/curl http://x\n"
            "      |        ^\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty\n"
            '    Write: argv = ["/usr/bin/curl", "http://x"]'
        ),
    ),
    (
        ('[tools.commands]\nargv = "/usr/bin/curl", "x"'),
        (
            "settings:1: tools.commands: this is a list of tables\n"
            "    Write [[tools.commands]], and the keys of one below it.\n"
            "settings:2: tools.commands.argv: there are several values, and no list\n"
            '    2 | argv = "/usr/bin/curl", "x"\n'
            "      |                       ^\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty\n"
            '    Write: argv = ["/usr/bin/curl", "x"]'
        ),
    ),
    (
        """\
[]
volume = 3""",
        """\
settings:1: a table has no name
    1 | []
      | ^
    Write it between the brackets, as in [audio].""",
    ),
    (
        """\
[audio/gate]
x = 1""",
        (
            "settings:1: 'audio/gate' is no name of a table\n"
            "    1 | [audio/gate]\n"
            "      | ^\n"
            "    Write: [audio.gate]\n"
            "settings:2: audio.gate.x = 1: there is no such key\n"
            "    Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        "= 5",
        (
            "settings:1: there is no name before =\n"
            "    1 | = 5\n"
            "      | ^\n"
            "    Write the name of a setting before it: NAME = 5"
        ),
    ),
    (
        """\
[audio]
"volume = 5""",
        (
            'settings:2: the " before the name is not closed\n'
            '    2 | "volume = 5\n'
            "      | ^\n"
            "    Write: volume = 5"
        ),
    ),
    (
        """\
[audio];
volume = 3""",
        (
            "settings:1: audio: ';' stands after the name of a table\n"
            "    1 | [audio];\n"
            "      |        ^\n"
            "    Write: [audio]"
        ),
    ),
    (
        ("[audio]\nvolume = −5"),
        (
            "settings:2: audio.volume: − (U+2212, MINUS SIGN) only looks like -\n"
            "    2 | volume = −5\n"
            "      |          ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    -5 is not allowed here. Write a value that is."
        ),
    ),
    (
        'a = """x""" y',
        (
            "settings:1: a: 'y' stands after the end of a text\n"
            '    1 | a = """x""" y\n'
            "      |             ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        """\
[audio]
volume = 60 (loud)""",
        (
            "settings:2: audio.volume: a comment begins with #, not with (\n"
            "    2 | volume = 60 (loud)\n"
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 60   # loud"
        ),
    ),
    (
        """\
[audio]
volume = 60 %""",
        (
            "settings:2: audio.volume: % stands after the number: a number has no unit\n"
            "    2 | volume = 60 %\n"
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 60"
        ),
    ),
    (
        """\
[dialogue]
mode = one_shot # x""",
        """\
settings:2: dialogue.mode: one_shot stands without quotes
    2 | mode = one_shot # x
      |        ^
    allowed: "conversation" or "one_shot"
    Write: mode = "one_shot"   # x""",
    ),
    (
        """\
[dialogue]
sound_at_press = On""",
        (
            "settings:2: dialogue.sound_at_press: On is not allowed here\n"
            "    2 | sound_at_press = On\n"
            "      |                  ^\n"
            "    allowed: true or false\n"
            "    Write: sound_at_press = true"
        ),
    ),
    (
        """\
[wake_word]
enabled = true,""",
        (
            "settings:2: wake_word.enabled: a comma stands at the end of the line\n"
            "    2 | enabled = true,\n"
            "      |               ^\n"
            "    allowed: true or false\n"
            "    Write: enabled = true"
        ),
    ),
    (
        """\
[panel]
button.pin = 5
[panel.button]
pin = 6""",
        (
            "settings:3: panel.button: already set in line 2, and cannot be begun again\n"
            "    3 | [panel.button]\n"
            "      | ^\n"
            "    Keep one of the two: line 2, or this table."
        ),
    ),
    (
        "set volume = 5",
        (
            "settings:1: 'set volume' is no name: there is a space in it\n"
            "    1 | set volume = 5\n"
            "      |    ^\n"
            "    Write: [audio]\n"
            "           volume = 5"
        ),
    ),
    (
        """\
volume = 5
[""",
        (
            "settings:1: volume = 5: there is no such key\n"
            "    Did you mean audio.volume?\n"
            "settings:2: [ stands alone\n"
            "    2 | [\n"
            "      | ^\n"
            "    Write the name of a table between [ and ], or delete this line."
        ),
    ),
    (
        "volume = 0x",
        (
            "settings:1: volume: 0x begins a number, and no digits follow\n"
            "    1 | volume = 0x\n"
            "      |          ^\n"
            "    There is no setting volume. Did you mean audio.volume?\n"
            "    Its line: audio.volume = VALUE   (VALUE is a whole number from 0 to 100)"
        ),
    ),
    (
        "a = [1, 2, 3]]",
        (
            "settings:1: a: there are more ] than [\n"
            "    1 | a = [1, 2, 3]]\n"
            "      |              ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        "a = [[1, 2]",
        (
            "settings:1: a: the [ of this list is not closed\n"
            "    1 | a = [[1, 2]\n"
            "      |     ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        'a = "\\uD800"',
        (
            "settings:1: a: \\uD800 is no character\n"
            '    1 | a = "\\uD800"\n'
            "      |      ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        "a = 2024-02-30",
        (
            "settings:1: a: 2024-02-30 is no day of the calendar\n"
            "    1 | a = 2024-02-30\n"
            "      |     ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        ('a = 1\nb = """'),
        (
            "settings:1: a = 1: there is no such key\n"
            "    Delete it, or mend its name: `speakerd check --defaults` prints all names.\n"
            'settings:2: b: this text begins with """ and is never closed\n'
            '    2 | b = """\n'
            "      |     ^\n"
            "    There is no setting b. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        "a = {b = 1",
        (
            "settings:1: a: the { of this table is not closed\n"
            "    1 | a = {b = 1\n"
            "      |     ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        'a = [ "x", \'y ]',
        (
            "settings:1: a: 'y has one quotation mark, and needs one at each end\n"
            '    1 | a = [ "x", \'y ]\n'
            "      |            ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        "%",
        ("settings:1: a comment begins with #, not with %\n    1 | %\n      | ^\n    Delete this line."),
    ),
    (
        ("[audio]\nvolume\xa0= 30"),
        (
            "settings:2: audio.volume: there is a character here that cannot be seen (? marks it): U+00A0, NO-BREAK SPACE\n"
            "    2 | volume?= 30\n"
            "      |       ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        ("[audio]\r\nvolume = yes please\r\n"),
        (
            "settings:2: audio.volume: yes please is no number\n"
            "    2 | volume = yes please\n"
            "      |          ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write a value that is allowed here."
        ),
    ),
    (
        "[audio]\rvolume = 3\r",
        (
            "settings:1: a line ends in CR (U+000D) alone, where a newline belongs (? marks it)\n"
            "    1 | [audio]?volume = 3?\n"
            "      |        ^\n"
            "    Save the file with the line ends of Unix; here: sudo sed -i 's/\\r/\\n/g' FILE"
        ),
    ),
    (
        ("[audio]\nvolume = 3\x00"),
        (
            "settings:2: audio.volume: there is a character here that cannot be seen (? marks it): U+0000, NUL\n"
            "    2 | volume = 3?\n"
            "      |           ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 3"
        ),
    ),
    (
        ("[audio]\n# a bell \x07 here\nvolume = 3"),
        (
            "settings:2: there is a character here that cannot be seen (? marks it): U+0007, a control character\n"
            "    2 | # a bell ? here\n"
            "      |          ^\n"
            "    Write: # a bell  here"
        ),
    ),
    (
        "\u200b[audio]",
        (
            "settings:1: there is a character here that cannot be seen (? marks it): U+200B, ZERO WIDTH SPACE\n"
            "    1 | ?[audio]\n"
            "      | ^\n"
            "    Write: [audio]"
        ),
    ),
    (
        ("[audio]\nvolume = 30\ufeff"),
        (
            "settings:2: audio.volume: there is a character here that cannot be seen (? marks it): U+FEFF, ZERO WIDTH NO-BREAK SPACE\n"
            "    2 | volume = 30?\n"
            "      |            ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[model]
api_key = sk-proj-A1b2C3d4A1b2C3d4A1b2C3d4""",
        (
            "settings:2: model.api_key: this text stands without quotes\n"
            "    2 | api_key = ********\n"
            "      |           ^\n"
            "    The key does not belong in this file. Remove the line and put it where only the service can read it:\n"
            "    `sudo scripts/install --key` asks for it; or write it alone into a file that only its owner can read\n"
            "    (chmod 600), and name that file in model.api_key_file. If this file was ever shared, revoke the key."
        ),
    ),
    (
        """\
[model.headers]
X-Room = hunter2""",
        (
            "settings:2: model.headers.X-Room: this text stands without quotes\n"
            "    2 | X-Room = ********\n"
            "      |          ^\n"
            "    allowed: a text in quotes\n"
            '    Write: X-Room = "..."   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        """\
[model]
url = wss://me:hunter2@host/v1?code=hunter2""",
        (
            "settings:2: model.url: this text stands without quotes\n"
            "    2 | url = wss://********@host/v1?code=********\n"
            "      |       ^\n"
            "    allowed: a text in quotes\n"
            '    Write: url = "..."   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        "a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        (
            "settings:1: more than 30 brackets are open here\n"
            "    1 | a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"
            "      |                                   ^\n"
            "    Delete this line, or the brackets that are too many: no setting takes that many, closed or not."
        ),
    ),
    (
        "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.y = 1",
        (
            "settings:1: this name has more than 30 parts\n"
            "    1 | [...].x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.y = 1\n"
            "      |                                                                  ^\n"
            "    Delete the line, or write the name of a setting."
        ),
    ),
    (
        ("[audio]\nvolume ＝ 30"),
        (
            "settings:2: audio.volume: ＝ (U+FF1D, FULLWIDTH EQUALS SIGN) only looks like =\n"
            "    2 | volume ＝ 30\n"
            "      |        ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[panel.button]
pin = 17 # ok
mute_switch_pin = pin 15""",
        (
            "settings:3: panel.button.mute_switch_pin: pin 15 can mean two things\n"
            "    3 | mute_switch_pin = pin 15\n"
            "      |                   ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            '    Write: mute_switch_pin = "BOARD15"   (place 15 of the header, which is GPIO22; or write "GPIO15")'
        ),
    ),
    (
        """\
[log]
level = 'debug""",
        (
            "settings:2: log.level: the quotation mark at the end is missing\n"
            "    2 | level = 'debug\n"
            "      |               ^\n"
            '    allowed: "debug" or "info" or "warning" or "error"\n'
            '    Write: level = "debug"'
        ),
    ),
    (
        """\
[audio]
volume 60%
echo: cancel
wake = Yes
stop_fade_ms = 300ms""",
        (
            "settings:2: audio.volume: = is missing between volume and its value\n"
            "    2 | volume 60%\n"
            "      |        ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 60\n"
            "settings:3: audio.echo: a colon stands where = belongs\n"
            "    3 | echo: cancel\n"
            "      |     ^\n"
            '    allowed: "auto" or "cancel" or "half_duplex" or "off"\n'
            '    Write: echo = "cancel"\n'
            "settings:4: audio.wake: Yes is not known here\n"
            "    4 | wake = Yes\n"
            "      |        ^\n"
            "    There is no setting audio.wake. Did you mean audio.sounds.wake?\n"
            '    Its line: sounds.wake = VALUE   (VALUE is "off" or "rise" or "fall" or "ping" or "knock" or "buzz" or "low" or "high" or "bell")\n'
            "settings:5: audio.stop_fade_ms: ms stands after the number: a number has no unit\n"
            "    5 | stop_fade_ms = 300ms\n"
            "      |                   ^\n"
            "    allowed: a whole number from 0 to 10000\n"
            "    Write: stop_fade_ms = 300"
        ),
    ),
    (
        """\
[model.headers]
X-Room = hunter2 # x
Y = 1 2""",
        (
            "settings:2: model.headers.X-Room: this text stands without quotes\n"
            "    2 | X-Room = ********\n"
            "      |          ^\n"
            "    allowed: a text in quotes\n"
            '    Write: X-Room = "..."   (... is your value, hidden since it may be a secret)\n'
            "settings:3: model.headers.Y: this text stands without quotes\n"
            "    3 | Y = ********\n"
            "      |     ^\n"
            "    allowed: a text in quotes\n"
            '    Write: Y = "..."   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        """\
[model]
voice = `marin`""",
        (
            "settings:2: model.voice: ` (U+0060) is no quotation mark of TOML\n"
            "    2 | voice = `marin`\n"
            "      |         ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "marin"'
        ),
    ),
    (
        """\
[audio]
volume = on""",
        (
            "settings:2: audio.volume: on is no number\n"
            "    2 | volume = on\n"
            "      |          ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write a value that is allowed here."
        ),
    ),
    (
        ('[model]\ninstructions = """Say """hello""" first."""'),
        (
            'settings:2: model.instructions: a """ within the text ends it\n'
            '    2 | instructions = """Say """hello""" first."""\n'
            "      |                       ^\n"
            "    allowed: a text in quotes\n"
            '    Write: instructions = \'Say """hello""" first.\''
        ),
    ),
    (
        """\
[panel.button]
pin = GPIO 17""",
        (
            "settings:2: panel.button.pin: GPIO 17 stands without quotes\n"
            "    2 | pin = GPIO 17\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            '    Write: pin = "GPIO17"'
        ),
    ),
    (
        """\
[audio]
input = plughw:1,0""",
        (
            "settings:2: audio.input: this text stands without quotes\n"
            "    2 | input = plughw:1,0\n"
            "      |         ^\n"
            "    allowed: a text in quotes, not empty\n"
            '    Write: input = "plughw:1,0"'
        ),
    ),
    (
        """\
[audio] // sound
volume = 3""",
        (
            "settings:1: audio: a comment begins with #, not with //\n"
            "    1 | [audio] // sound\n"
            "      |         ^\n"
            "    Write: [audio]   # sound"
        ),
    ),
    (
        ('[audio]\nvolume = 30 "loud"'),
        (
            'settings:2: audio.volume: "loud" stands after the value\n'
            '    2 | volume = 30 "loud"\n'
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Delete it, or write # before it. The value is 30"
        ),
    ),
    (
        """\
[model]
headers = { X-Room }""",
        (
            "settings:2: model.headers: a name stands in these braces without a value\n"
            "    2 | headers = ********\n"
            "      |           ^\n"
            "    allowed: a table of names, each with a text in quotes\n"
            '    Write: headers = { NAME = "..." }   (NAME and ... are your own name and value)'
        ),
    ),
    (
        """\
[audio.gate]
silero = maybe""",
        (
            "settings:2: audio.gate.silero: maybe is not allowed here\n"
            "    2 | silero = maybe\n"
            "      |          ^\n"
            '    allowed: "auto" or "on" or "off"\n'
            "    Write a value that is allowed here."
        ),
    ),
    (
        """\
[dialogue]
listen_window_s = 10s""",
        (
            "settings:2: dialogue.listen_window_s: s stands after the number: a number has no unit\n"
            "    2 | listen_window_s = 10s\n"
            "      |                     ^\n"
            "    allowed: a number from 0.5 to 3600\n"
            "    Write: listen_window_s = 10"
        ),
    ),
    (
        """\
[dialogue]
listen_window_s = 2min""",
        (
            "settings:2: dialogue.listen_window_s: min stands after the number: a number has no unit\n"
            "    2 | listen_window_s = 2min\n"
            "      |                    ^\n"
            "    allowed: a number from 0.5 to 3600\n"
            "    Write: listen_window_s = 120   (listen_window_s counts seconds)"
        ),
    ),
    (
        """\
[control]
enabled = FALSE""",
        (
            "settings:2: control.enabled: FALSE must be in small letters\n"
            "    2 | enabled = FALSE\n"
            "      |           ^\n"
            "    allowed: true or false\n"
            "    Write: enabled = false"
        ),
    ),
    (
        """\
[model]
headers = { a = 1, a = 2 }""",
        (
            "settings:2: model.headers: something that is hidden here stands twice in these braces\n"
            "    2 | headers = ********\n"
            "      |           ^\n"
            "    allowed: a table of names, each with a text in quotes\n"
            '    Write: headers = { NAME = "..." }   (NAME and ... are your own name and value)'
        ),
    ),
    (
        ("[[audio]]\nvolume = 3\n[audio]\n"),
        (
            "settings:3: audio: begun as a list of tables in line 1\n"
            "    3 | [audio]\n"
            "      | ^\n"
            "    Write [audio] with one bracket in line 1, and delete this line."
        ),
    ),
    (
        """\
[model]
voice = 'it's'
speed = 1""",
        (
            "settings:2: model.voice: a ' within the text ends it\n"
            "    2 | voice = 'it's'\n"
            "      |            ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "it\'s"'
        ),
    ),
    (
        ("[audio]\nvolume = \\30"),
        (
            "settings:2: audio.volume: \\ stands before the number\n"
            "    2 | volume = \\30\n"
            "      |          ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        """\
[audio]
volume => 30""",
        (
            "settings:2: audio.volume: => stands where = belongs\n"
            "    2 | volume => 30\n"
            "      |        ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        "a = {b = 'x' c = 'y'}",
        (
            "settings:1: a: a comma is missing here\n"
            "    1 | a = {b = 'x' c = 'y'}\n"
            "      |              ^\n"
            "    There is no setting a. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        ('[model]\nvoice = "a\x07b"'),
        (
            "settings:2: model.voice: there is a character here that cannot be seen (? marks it): U+0007, a control character\n"
            '    2 | voice = "a?b"\n'
            "      |           ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "ab"'
        ),
    ),
    (
        "[audio = 5",
        (
            "settings:1: a bracket stands before a setting\n"
            "    1 | [audio = 5\n"
            "      | ^\n"
            "    Write [audio] alone: audio is a table, and has no value itself. What it has: driver, input, output, input_channel, input_rate_hz, output_rate_hz, input_gain_db, volume, echo, echo_tail_ms, prebuffer_ms, flush_ramp_ms, stop_fade_ms, playback_limit_s, output_delay_ms, capture_queue_ms, reopen_first_s, reopen_longest_s, heartbeat_limit_s, silent_capture_s, gate, barge_in, sounds."
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = 5, 6, 7]""",
        (
            "settings:2: panel.light.rgb_pins: the [ at the beginning is missing\n"
            "    2 | rgb_pins = 5, 6, 7]\n"
            "      |            ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write: rgb_pins = [5, 6, 7]"
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = [5, 6, 7] [8]""",
        (
            "settings:2: panel.light.rgb_pins: '[8]' stands after the list\n"
            "    2 | rgb_pins = [5, 6, 7] [8]\n"
            "      |                      ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Delete it."
        ),
    ),
    (
        """\
[panel.light]
rgb_pins = [5, six', 7]""",
        (
            "settings:2: panel.light.rgb_pins: six' has one quotation mark, and needs one at each end\n"
            "    2 | rgb_pins = [5, six', 7]\n"
            "      |                ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Also: 'six': this is no pin: write the number of its GPIO (17), or its place on the header (\"BOARD11\"). Which there are: `pinout`. The drawings in config/boards name both numbers."
        ),
    ),
    (
        "[panel.light]\nrgb_pins = [\n  5,\n  6\nled_pin = 3",
        (
            "settings:2: panel.light.rgb_pins: the [ of this list is not closed\n"
            "    2 | rgb_pins = [\n"
            "      |            ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write ] in a line of its own before line 5.\n"
            "settings:2: panel.light.rgb_pins: rgb_pins needs three pins (red, green, blue) or none, not 2"
        ),
    ),
    (
        "[panel.light]\nrgb_pins = [\n  5 # red\n  6\n  7\n]",
        (
            "settings:3: panel.light.rgb_pins: a comma is missing after this element\n"
            "    3 |   5 # red\n"
            "      |    ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write a comma after it:  5, # red\n"
            "settings:4: panel.light.rgb_pins: a comma is missing after this element\n"
            "    4 |   6\n"
            "      |    ^\n"
            '    allowed: a list at most 3 long, each a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write a comma after it:  6,"
        ),
    ),
    (
        "[panel.button]\npin = bcm 17",
        (
            "settings:2: panel.button.pin: bcm 17 stands without quotes\n"
            "    2 | pin = bcm 17\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            '    Write: pin = "GPIO17"'
        ),
    ),
    (
        "[panel.button]\npin = pin 6",
        (
            "settings:2: panel.button.pin: pin 6 can mean two things\n"
            "    2 | pin = pin 6\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            '    Write another pin: pin 6 of the header is ground, which cannot be switched or read; or, if you mean the GPIO: pin = "GPIO6"'
        ),
    ),
    (
        "sk-proj-A1b2C3d4A1b2C3d4A1b2C3d4",
        (
            "settings:1: something that is hidden here has neither = nor a value\n"
            "    1 | ********\n"
            "      | ^\n"
            "    The key does not belong in this file. Remove the line and put it where only the service can read it:\n"
            "    `sudo scripts/install --key` asks for it; or write it alone into a file that only its owner can read\n"
            "    (chmod 600), and name that file in model.api_key_file. If this file was ever shared, revoke the key."
        ),
    ),
    (
        "[model.headers] X-Room = hunter2",
        (
            "settings:1: a setting stands on the line of its table\n"
            "    1 | [model.headers] X-Room = ********\n"
            "      |                 ^\n"
            "    Write: [model.headers]\n"
            '           X-Room = "..."   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        "[dialogue]\nlisten_window_s = 500ms",
        (
            "settings:2: dialogue.listen_window_s: ms stands after the number: a number has no unit\n"
            "    2 | listen_window_s = 500ms\n"
            "      |                      ^\n"
            "    allowed: a number from 0.5 to 3600\n"
            "    Write: listen_window_s = 0.5   (listen_window_s counts seconds)"
        ),
    ),
    (
        "[audio]\nvolume = 30 loud",
        (
            "settings:2: audio.volume: 'loud' stands after the value\n"
            "    2 | volume = 30 loud\n"
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Delete it, or write # before it. The value is 30"
        ),
    ),
    (
        "volume: 30\n[audio]\necho = off",
        (
            "settings:1: volume: a colon stands where = belongs\n"
            "    1 | volume: 30\n"
            "      |       ^\n"
            "    Move it to below [audio] in line 2:  volume = 30\n"
            "    There is no setting volume. Did you mean audio.volume?\n"
            "settings:3: audio.echo: off stands without quotes\n"
            "    3 | echo = off\n"
            "      |        ^\n"
            '    allowed: "auto" or "cancel" or "half_duplex" or "off"\n'
            '    Write: echo = "off"'
        ),
    ),
    (
        "volume: 30\nboard = pirate-audio",
        (
            "settings:1: volume: a colon stands where = belongs\n"
            "    1 | volume: 30\n"
            "      |       ^\n"
            "    Write: audio.volume = 30\n"
            "    There is no setting volume. Did you mean audio.volume?\n"
            "settings:2: board: this text stands without quotes\n"
            "    2 | board = pirate-audio\n"
            "      |         ^\n"
            "    allowed: aiy-voice-bonnet, aiy-voice-hat, button-and-led, respeaker-2mic, rgb-button, usb-speakerphone\n"
            "    Also: no preset of this name. Leave it out for a board that is not listed."
        ),
    ),
    (
        "[audio]\nvolume = 3\n[audio]\necho = cancel\n[wake_word]\nenabled = yes",
        (
            "settings:3: audio: this table was begun in line 1 already\n"
            "    3 | [audio]\n"
            "      | ^\n"
            "    Move the lines below this one up into the table of line 1, and delete this line.\n"
            "settings:4: audio.echo: cancel stands without quotes\n"
            "    4 | echo = cancel\n"
            "      |        ^\n"
            '    allowed: "auto" or "cancel" or "half_duplex" or "off"\n'
            '    Write: echo = "cancel"\n'
            "settings:6: wake_word.enabled: yes is not allowed here\n"
            "    6 | enabled = yes\n"
            "      |           ^\n"
            "    allowed: true or false\n"
            "    Write: enabled = true"
        ),
    ),
    (
        '[[tools.com]mands]]\nname = "x"',
        (
            "settings:1: tools.com: a ] stands inside the name\n"
            "    1 | [[tools.com]mands]]\n"
            "      |            ^\n"
            "    Write: [[tools.commands]]\n"
            "settings:1: the first tools.commands: description: this key is needed\n"
            "    allowed: a text in quotes, not empty, at most 1000 long\n"
            "settings:1: the first tools.commands: argv: this key is needed\n"
            "    allowed: a list, not empty, at most 64 long, each a text in quotes, not empty"
        ),
    ),
    (
        '{\n  "audio": { "volume": 30, "echo": "off" },\n  "wake_word": { "enabled": true }\n}',
        (
            "settings:1: this looks like JSON\n"
            "    1 | {\n"
            "      | ^\n"
            "    Write in place of lines 1 to 4:\n"
            "        [audio]\n"
            "        volume = 30\n"
            '        echo = "off"\n'
            "        [wake_word]\n"
            "        enabled = true"
        ),
    ),
    (
        "['audio]\nvolume = 3",
        ("settings:1: 'audio is no name of a table\n    1 | ['audio]\n      | ^\n    Write: [audio]"),
    ),
    (
        '[audio]\nvolume = "30\nechoo = off',
        (
            "settings:2: audio.volume: the quotation mark at the end is missing\n"
            '    2 | volume = "30\n'
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30\n"
            "settings:3: audio.echoo: off is not known here\n"
            "    3 | echoo = off\n"
            "      |         ^\n"
            "    There is no setting audio.echoo. Did you mean audio.echo?\n"
            '    Its line: echo = VALUE   (VALUE is "auto" or "cancel" or "half_duplex" or "off")'
        ),
    ),
    (
        '[model]\ninstructions = """\nBe brief.\n""" please',
        (
            "settings:4: model.instructions: 'please' stands after the end of a text\n"
            '    4 | """ please\n'
            "      |     ^\n"
            "    allowed: a text in quotes\n"
            '    Delete it, or move it before the """ if it is of the text; a comment begins with #.'
        ),
    ),
    (
        "[audio\nvolume = 300%",
        (
            "settings:1: audio: the [ of a table is not closed\n"
            "    1 | [audio\n"
            "      | ^\n"
            "    Write: [audio]\n"
            "settings:2: audio.volume: % stands after the number: a number has no unit\n"
            "    2 | volume = 300%\n"
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    300 is not allowed here. Write a value that is."
        ),
    ),
    (
        "[audio]\nvolume = 30 ms",
        (
            "settings:2: audio.volume: ms stands after the number: a number has no unit\n"
            "    2 | volume = 30 ms\n"
            "      |             ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 30"
        ),
    ),
    (
        "[dialogue]\nmode = conversation mode",
        (
            "settings:2: dialogue.mode: conversation mode is not allowed here\n"
            "    2 | mode = conversation mode\n"
            "      |        ^\n"
            '    allowed: "conversation" or "one_shot"\n'
            '    Write a value that is allowed here. Did you mean "conversation"?'
        ),
    ),
    (
        "[wake_word]\nenabled = ja",
        (
            "settings:2: wake_word.enabled: ja is not allowed here\n"
            "    2 | enabled = ja\n"
            "      |           ^\n"
            "    allowed: true or false\n"
            "    Write: enabled = true"
        ),
    ),
    (
        "[model]\nheaders = { X-Room: hunter2, Y: b }",
        (
            "settings:2: model.headers: a colon stands where = belongs, inside the braces\n"
            "    2 | headers = ********\n"
            "      |           ^\n"
            "    allowed: a table of names, each with a text in quotes\n"
            '    Write: headers = { X-Room = "...", Y = "..." }   (... is your value, hidden since it may be a secret)'
        ),
    ),
    (
        "[audio]\ngate = yes",
        (
            "settings:2: audio.gate: yes is no value of a table\n"
            "    2 | gate = yes\n"
            "      |        ^\n"
            "    Delete this line: audio.gate is a table, and has no value itself. What it has: aggressiveness, margin_db, min_level_dbfs, onset_frames, onset_window, pre_roll_ms, hangover_ms, tail_ms, longest_turn_s, server_patience_s, lookback_s, silero, silero_threshold."
        ),
    ),
    (
        "wake_word = on",
        (
            "settings:1: wake_word: on is no value of a table\n"
            "    1 | wake_word = on\n"
            "      |             ^\n"
            "    Write: [wake_word]\n"
            "           enabled = true"
        ),
    ),
    (
        "[audio] volume = 300",
        (
            "settings:1: a setting stands on the line of its table\n"
            "    1 | [audio] volume = 300\n"
            "      |         ^\n"
            "    Put  volume = 300  on a line of its own, below [audio]. 300 is not allowed here. Write a value that is. Allowed: a whole number from 0 to 100."
        ),
    ),
    (
        "[audio] volum = 3",
        (
            "settings:1: a setting stands on the line of its table\n"
            "    1 | [audio] volum = 3\n"
            "      |         ^\n"
            "    Put  volum = 3  on a line of its own, below [audio]. There is no setting audio.volum. Did you mean audio.volume?"
        ),
    ),
    (
        "[audio] echo = off",
        (
            "settings:1: a setting stands on the line of its table\n"
            "    1 | [audio] echo = off\n"
            "      |         ^\n"
            "    Write: [audio]\n"
            '           echo = "off"'
        ),
    ),
    (
        "[pan]el]\nkind = 'none'",
        ("settings:1: pan: a ] stands inside the name\n    1 | [pan]el]\n      |     ^\n    Write: [panel]"),
    ),
    (
        "[audio]\nvolume = 3\n[audio]\nvolume = 300",
        (
            "settings:3: audio: this table was begun in line 1 already\n"
            "    3 | [audio]\n"
            "      | ^\n"
            "    Move the lines below this one up into the table of line 1, and delete this line.\n"
            "settings:4: audio.volume = 300: not allowed\n"
            "    allowed: a whole number from 0 to 100"
        ),
    ),
    (
        "[foo\nx = 5 0",
        (
            "settings:1: foo: the [ of a table is not closed\n"
            "    1 | [foo\n"
            "      | ^\n"
            "    Also: there is no such key. Delete it, or mend its name: `speakerd check --defaults` prints all names.\n"
            "settings:2: foo.x: there is a space in the number\n"
            "    2 | x = 5 0\n"
            "      |      ^\n"
            "    There is no setting foo.x. Delete it, or mend its name: `speakerd check --defaults` prints all names."
        ),
    ),
    (
        "[panel.button]\npin = gpio 99",
        (
            "settings:2: panel.button.pin: gpio 99 stands without quotes\n"
            "    2 | pin = gpio 99\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Also: 'GPIO99': there is no GPIO99: the header has GPIO0 to GPIO27. Which there are: `pinout`. The drawings in config/boards name both numbers."
        ),
    ),
    (
        "[panel.button]\npin = pin 39",
        (
            "settings:2: panel.button.pin: pin 39 stands without quotes\n"
            "    2 | pin = pin 39\n"
            "      |       ^\n"
            '    allowed: a pin: 17, "GPIO17" or "BOARD11"\n'
            "    Write another pin: pin 39 of the header is ground, which cannot be switched or read."
        ),
    ),
    (
        "[model]\nurl = https://example.org/v1",
        (
            "settings:2: model.url: this text stands without quotes\n"
            "    2 | url = https://example.org/v1\n"
            "      |       ^\n"
            "    allowed: a text in quotes\n"
            "    Also: this is not the address of a WebSocket. Write wss:// instead of https://."
        ),
    ),
    (
        "[audio]\nvolume = 3,\n[]\nx = 5",
        (
            "settings:2: audio.volume: a comma stands at the end of the line\n"
            "    2 | volume = 3,\n"
            "      |           ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write: volume = 3\n"
            "settings:3: a table has no name\n"
            "    3 | []\n"
            "      | ^\n"
            "    Write it between the brackets, as in [audio]."
        ),
    ),
]
