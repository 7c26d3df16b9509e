"""Files as people write them that are not TOML, and what is said of each, word for word."""

# ruff: noqa: RUF001 - they are what people write

BROKEN: list[tuple[str, str]] = [
    (
        """\
[audio]
volume = 5 0""",
        """\
settings:2: audio.volume: '0' stands after the value
    2 | volume = 5 0
      |            ^
    allowed: a whole number from 0 to 100
    Delete it; a comment begins with #. The value is 5""",
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
            "      |         ^\n"
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
        """\
settings:2: wake_word.enabled: yes is no value of TOML
    2 | enabled = yes
      |           ^
    allowed: true or false
    Write: enabled = true""",
    ),
    (
        """\
[wake_word]
enabled = True""",
        """\
settings:2: wake_word.enabled: True is written small
    2 | enabled = True
      |           ^
    allowed: true or false
    Write: enabled = true""",
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
        """\
settings:2: audio.volume: % stands after the number: a number has no unit
    2 | volume = 30%
      |          ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
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
        """\
settings:1: audio: a colon ends this name
    1 | audio:
      |      ^
    Write: [audio]   (a table; its settings on the lines below)""",
    ),
    (
        """\
[audio]
volume = 30;""",
        """\
settings:2: audio.volume: ; stands at the end of the line
    2 | volume = 30;
      |            ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        """\
[audio]
volume = 30 // loud""",
        """\
settings:2: audio.volume: // begins no comment in TOML
    2 | volume = 30 // loud
      |             ^
    allowed: a whole number from 0 to 100
    Write: volume = 30   # loud""",
    ),
    (
        """\
// my settings
[audio]""",
        """\
settings:1: // begins no comment in TOML
    1 | // my settings
      | ^
    Write: # my settings""",
    ),
    (
        "; my settings",
        """\
settings:1: ; begins no comment in TOML
    1 | ; my settings
      | ^
    Write: # my settings""",
    ),
    (
        ('[audio]\nvolume = 30\n[model]\nvoice = "x"\n[audio]\necho = "off"'),
        """\
settings:5: audio: the table [audio] was begun already in line 1
    5 | [audio]
      | ^
    Move the lines below this one up into the table of line 1, and delete this line.""",
    ),
    (
        """\
[audio]
volume = 30
volume = 40""",
        """\
settings:3: audio.volume: audio.volume was set already in line 2
    3 | volume = 40
      | ^
    allowed: a whole number from 0 to 100
    Delete one of the two lines: a setting has one value.""",
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
        """\
settings:1: tools.commands.0: two brackets open this table, and one closes it
    1 | [[tools.commands]
      | ^
    Write: [[tools.commands]]""",
    ),
    (
        """\
[audio]]
volume = 3""",
        """\
settings:1: audio: one bracket opens this table, and two close it
    1 | [audio]]
      | ^
    Write: [audio]""",
    ),
    (
        """\
[audio gate]
hangover_ms = 3""",
        """\
settings:1: 'audio gate' is no name of a table
    1 | [audio gate]
      | ^
    Write: [audio.gate]""",
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
        """\
settings:1: a setting stands on the line of its table
    1 | [audio] volume = 3
      | ^
    Put  volume = 3  on a line of its own, below [audio].""",
    ),
    (
        "wake word = true",
        """\
settings:1: there is a space in the name 'wake word'
    1 | wake word = true
      | ^
    Write: [wake_word]   (and its settings on the lines below)""",
    ),
    (
        ("[audio]\nvolume = "),
        """\
settings:2: audio.volume: nothing stands after =
    2 | volume =
      |         ^
    allowed: a whole number from 0 to 100
    Write a value; for an empty text ""; or put # before the line, and the default counts.""",
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
        """\
settings:2: panel.light.rgb_pins: there are several values, and no list
    2 | rgb_pins = 5, 6, 7
      |             ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, 7]""",
    ),
    (
        """\
[panel.light]
rgb_pins = [5 6 7]""",
        """\
settings:2: panel.light.rgb_pins: a comma is missing in this list
    2 | rgb_pins = [5 6 7]
      |               ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, 7]""",
    ),
    (
        """\
[panel.light]
rgb_pins = [5, 6, 7
led_pin = 3""",
        """\
settings:2: panel.light.rgb_pins: the [ of this list is not closed
    2 | rgb_pins = [5, 6, 7
      |            ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, 7]""",
    ),
    (
        """\
[panel.light]
rgb_pins = (5, 6, 7)""",
        """\
settings:2: panel.light.rgb_pins: a list stands in brackets, not in parentheses
    2 | rgb_pins = (5, 6, 7)
      |            ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, 7]""",
    ),
    (
        """\
[panel.light]
rgb_pins = {5, 6, 7}""",
        """\
settings:2: panel.light.rgb_pins: braces hold names with their values, and there is no =
    2 | rgb_pins = {5, 6, 7}
      |            ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, 7]""",
    ),
    (
        """\
[panel.light]
rgb_pins = [GPIO5, GPIO6, GPIO7]""",
        """\
settings:2: panel.light.rgb_pins: an element of this list cannot be read
    2 | rgb_pins = [GPIO5, GPIO6, GPIO7]
      |             ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = ["GPIO5", "GPIO6", "GPIO7"]""",
    ),
    (
        """\
[panel.light]
rgb_pins = [5; 6; 7]""",
        """\
settings:2: panel.light.rgb_pins: semicolons stand where commas belong
    2 | rgb_pins = [5; 6; 7]
      |              ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, 7]""",
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
            "settings:2: panel.button.pin: this text stands without quotes\n"
            "    2 | pin = GPIO17\n"
            "      |       ^\n"
            "    allowed: a whole number or a text in quotes\n"
            '    Write: pin = "GPIO17"'
        ),
    ),
    (
        """\
[panel.button]
pin = 017""",
        """\
settings:2: panel.button.pin: a number begins with 0
    2 | pin = 017
      |       ^
    allowed: a whole number or a text in quotes
    Write: pin = 17""",
    ),
    (
        """\
[model]
speed = 1,1""",
        """\
settings:2: model.speed: a comma stands where the point of a number belongs
    2 | speed = 1,1
      |         ^
    allowed: a number from 0.25 to 1.5
    Write: speed = 1.1""",
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
            "settings:2: model.instructions: this text goes on over the end of the line\n"
            '    2 | instructions = "Be brief.\n'
            "      |                ^\n"
            "    allowed: a text in quotes\n"
            '    A text of several lines has three at each end: instructions = """ ... """'
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
            "settings:2: model.api_key_file: a backslash has a meaning in a text, and this one has none\n"
            '    2 | api_key_file = "C:\\Users\\key"\n'
            "      |                   ^\n"
            "    allowed: a text in quotes\n"
            "    Write: api_key_file = 'C:\\Users\\key'   (in single quotes a backslash is only itself)"
        ),
    ),
    (
        ('[model]\napi_key_file = "C:\\keys\\"'),
        (
            "settings:2: model.api_key_file: a backslash has a meaning in a text, and this one has none\n"
            '    2 | api_key_file = "C:\\keys\\"\n'
            "      |                   ^\n"
            "    allowed: a text in quotes\n"
            "    Write: api_key_file = 'C:\\keys\\'   (in single quotes a backslash is only itself)"
        ),
    ),
    (
        """\
[model]
headers = { X-Room: "kitchen" }""",
        """\
settings:2: model.headers: a colon stands where = belongs
    2 | headers = ********
      |           ^
    allowed: a table of names, each with a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        """\
[model]
headers = {
  X-Room = "kitchen",
}""",
        """\
settings:2: model.headers: a table in braces must stand on one line
    2 | headers = ********
      |           ^
    allowed: a table of names, each with a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        """\
[model]
headers = { X-Room = "kitchen", }""",
        """\
settings:2: model.headers: a comma stands before the closing }
    2 | headers = ********
      |           ^
    allowed: a table of names, each with a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        '{ "audio": { "volume": 30 } }',
        """\
settings:1: this looks like JSON
    1 | { "audio": { "volume": 30 } }
      | ^
    Write [audio] on a line, and below it volume = 60; without braces, commas and colons.""",
    ),
    (
        "- name: x",
        """\
settings:1: this looks like a list of YAML
    1 | - name: x
      | ^
    Write a list in brackets: argv = ["/bin/true", "x"]; each command begins with [[tools.commands]].""",
    ),
    (
        """\
[model]
language = null""",
        (
            "settings:2: model.language: TOML has no null: a text may be empty, and a line that is left out has its default\n"
            "    2 | language = null\n"
            "      |            ^\n"
            "    allowed: a text in quotes\n"
            '    Write: language = ""'
        ),
    ),
    (
        """\
[audio]
volume == 30""",
        """\
settings:2: audio.volume: == stands where = belongs
    2 | volume == 30
      | ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        """\
[audio]
volume := 30""",
        """\
settings:2: := stands where = belongs
    2 | volume := 30
      | ^
    Write: volume = 30""",
    ),
    (
        """\
[audio]
.volume = 30""",
        """\
settings:2: a dot of this name has nothing beside it
    2 | .volume = 30
      | ^
    Write: volume = 30""",
    ),
    (
        ("[audio]\nlautstärke = 30"),
        (
            "settings:2: ä cannot be in a name\n"
            "    2 | lautstärke = 30\n"
            "      |       ^\n"
            "    A name is made of the letters a to z, digits, _ and -; `speakerd check --defaults` prints all names."
        ),
    ),
    (
        ('[audio]\nvolume = 30 echo = "off"'),
        """\
settings:2: audio.volume: two settings stand on one line
    2 | volume = 30 echo = "off"
      |             ^
    allowed: a whole number from 0 to 100
    Put  echo = "off"  on a line of its own.""",
    ),
    (
        """\
[audio]
flush_ramp_ms = 7ms""",
        """\
settings:2: audio.flush_ramp_ms: ms stands after the number: a number has no unit
    2 | flush_ramp_ms = 7ms
      |                 ^
    allowed: a whole number from 1 to 100
    Write: flush_ramp_ms = 7""",
    ),
    (
        """\
[audio.gate]
hangover_ms = 1s""",
        """\
settings:2: audio.gate.hangover_ms: s stands after the number: a number has no unit
    2 | hangover_ms = 1s
      |               ^
    allowed: a whole number from 100 to 10000
    Write: hangover_ms = 1000""",
    ),
    (
        ('[tools]\ncommands = []\n[[tools.commands]]\nname = "x"'),
        """\
settings:3: tools.commands.0: tools.commands was set to an empty list already in line 2
    3 | [[tools.commands]]
      | ^
    Delete line 2: commands = []""",
    ),
    (
        ('[[tools.commands]]\nname = "x"\n[tools.commands]\nname = "y"'),
        """\
settings:3: tools.commands: tools.commands was begun as a list of tables in line 1
    3 | [tools.commands]
      | ^
    allowed: a list at most 50 long, each a table with name, description, argv, timeout_s, approval
    Write [[tools.commands]] with two brackets: each begins another one.""",
    ),
    (
        """\
audio = 5
[audio]
volume = 3""",
        """\
settings:2: audio: audio was set already in line 1, and cannot be begun again as a table
    2 | [audio]
      | ^
    Keep one of the two: line 1, or this table.""",
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
            "    allowed: a text in quotes not empty\n"
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
            "settings:2: audio.echo: \"'x'\" stands after the value\n"
            "    2 | echo = \"off\" 'x'\n"
            "      |              ^\n"
            '    allowed: "auto" or "cancel" or "half_duplex" or "off"\n'
            '    Delete it; a comment begins with #. The value is "off"'
        ),
    ),
    (
        """\
[audio]
volume = 1 000""",
        """\
settings:2: audio.volume: thousands are set apart
    2 | volume = 1 000
      |          ^
    allowed: a whole number from 0 to 100
    Write a value that is allowed here.""",
    ),
    (
        "<audio>",
        """\
settings:1: this looks like XML or HTML
    1 | <audio>
      | ^
    A setting is written  name = value , a text in quotes, and a table begins with [name].""",
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
        """\
settings:2: tools.commands.0.argv: the [ of this list is not closed
    2 | argv = ["/usr/bin/curl", "http://x"
      |        ^
    allowed: a list not empty, at most 64 long, each a text in quotes not empty
    Write: argv = ["/usr/bin/curl", "http://x"]""",
    ),
    (
        """\
[[tools.commands]]
argv = [
  "/usr/bin/curl"
  "http://x"
]""",
        """\
settings:4: tools.commands.0.argv: an element of this list is not followed by a comma
    4 |   "http://x"
      |   ^
    allowed: a list not empty, at most 64 long, each a text in quotes not empty
    Put a comma between every two of its elements.""",
    ),
    (
        """\
[[tools.commands]]
argv = /usr/bin/curl http://x""",
        """\
settings:2: tools.commands.0.argv: this list stands without brackets
    2 | argv = /usr/bin/curl http://x
      |        ^
    allowed: a list not empty, at most 64 long, each a text in quotes not empty
    Write: argv = ["/usr/bin/curl", "http://x"]""",
    ),
    (
        ('[tools.commands]\nargv = "/usr/bin/curl", "x"'),
        """\
settings:2: tools.commands.argv: there are several values, and no list
    2 | argv = "/usr/bin/curl", "x"
      |                       ^
    Write: argv = ["/usr/bin/curl", "x"]""",
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
        """\
settings:1: 'audio/gate' is no name of a table
    1 | [audio/gate]
      | ^
    Write: [audio.gate]""",
    ),
    (
        "= 5",
        """\
settings:1: there is no name before =
    1 | = 5
      | ^
    Write the name of the setting before it: volume = 60""",
    ),
    (
        """\
[audio]
"volume = 5""",
        """\
settings:2: a quotation mark of this name has no other
    2 | "volume = 5
      | ^
    Write: volume = 5""",
    ),
    (
        """\
[audio];
volume = 3""",
        """\
settings:1: audio: ';' stands after the name of a table
    1 | [audio];
      | ^
    Write: [audio]""",
    ),
    (
        ("[audio]\nvolume = −5"),
        (
            "settings:2: audio.volume: − (U+2212, MINUS SIGN) only looks like -\n"
            "    2 | volume = −5\n"
            "      |          ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write a value that is allowed here."
        ),
    ),
    (
        'a = """x""" y',
        (
            "settings:1: a: 'y' stands after the end of a text\n"
            '    1 | a = """x""" y\n'
            "      |            ^\n"
            '    Delete it; or """ ends the text too early.'
        ),
    ),
    (
        """\
[audio]
volume = 60 (loud)""",
        """\
settings:2: audio.volume: ( begins no comment in TOML
    2 | volume = 60 (loud)
      |             ^
    allowed: a whole number from 0 to 100
    Write: volume = 60   # loud""",
    ),
    (
        """\
[audio]
volume = 60 %""",
        """\
settings:2: audio.volume: % stands after the number: a number has no unit
    2 | volume = 60 %
      |          ^
    allowed: a whole number from 0 to 100
    Write: volume = 60""",
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
        """\
settings:2: dialogue.sound_at_press: On is no value of TOML
    2 | sound_at_press = On
      |                  ^
    allowed: true or false
    Write: sound_at_press = true""",
    ),
    (
        """\
[wake_word]
enabled = true,""",
        """\
settings:2: wake_word.enabled: , stands at the end of the line
    2 | enabled = true,
      |               ^
    allowed: true or false
    Write: enabled = true""",
    ),
    (
        """\
[panel]
button.pin = 5
[panel.button]
pin = 6""",
        """\
settings:3: panel.button: panel.button was set already in line 2, and cannot be begun again as a table
    3 | [panel.button]
      | ^
    Keep one of the two: line 2, or this table.""",
    ),
    (
        "set volume = 5",
        """\
settings:1: there is a space in the name 'set volume'
    1 | set volume = 5
      | ^
    Write: volume = 5""",
    ),
    (
        """\
volume = 5
[""",
        """\
settings:2: the [ of a table is not closed
    2 | [
      | ^
    Close it with ]""",
    ),
    (
        "volume = 0x",
        (
            "settings:1: volume: this text stands without quotes\n"
            "    1 | volume = 0x\n"
            "      |          ^\n"
            '    Write: volume = "0x"'
        ),
    ),
    (
        "a = [1, 2, 3]]",
        """\
settings:1: a: there are more ] than [
    1 | a = [1, 2, 3]]
      |              ^
    Write: a = [1, 2, 3]""",
    ),
    (
        "a = [[1, 2]",
        """\
settings:1: a: the [ of this list is not closed
    1 | a = [[1, 2]
      |     ^
    Write: a = [[1, 2]]""",
    ),
    (
        'a = "\\uD800"',
        (
            "settings:1: a: a backslash has a meaning in a text, and this one has none\n"
            '    1 | a = "\\uD800"\n'
            "      |      ^\n"
            "    Write: a = '\\uD800'   (in single quotes a backslash is only itself)"
        ),
    ),
    (
        "a = 2024-02-30",
        (
            "settings:1: a: this text stands without quotes\n"
            "    1 | a = 2024-02-30\n"
            "      |     ^\n"
            '    Write: a = "2024-02-30"'
        ),
    ),
    (
        ('a = 1\nb = """'),
        (
            'settings:2: b: this text begins with """ and is never closed\n'
            '    2 | b = """\n'
            "      |     ^\n"
            '    Write """ on a line of its own where the text ends.'
        ),
    ),
    (
        "a = {b = 1",
        """\
settings:1: a: the { of this table is not closed
    1 | a = {b = 1
      |     ^
    Write: a = {b = 1 }""",
    ),
    (
        'a = [ "x", \'y ]',
        """\
settings:1: a: this list cannot be read
    1 | a = [ "x", 'y ]
      |                ^
    Commas stand between its elements, and texts in quotes: ["one", "two"].""",
    ),
    (
        "%",
        ("settings:1: % begins no comment in TOML\n    1 | %\n      | ^\n    Write: # "),
    ),
    (
        ("[audio]\nvolume\xa0= 30"),
        """\
settings:2: audio.volume: there is a character here that cannot be seen: U+00A0, NO-BREAK SPACE
    2 | volume?= 30
      |       ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        ("[audio]\r\nvolume = yes please\r\n"),
        """\
settings:2: audio.volume: this text stands without quotes
    2 | volume = yes please
      |          ^
    allowed: a whole number from 0 to 100
    Write a value that is allowed here.""",
    ),
    (
        "[audio]\rvolume = 3\r",
        (
            "settings:1: this line ends in a carriage return alone, as on an old Macintosh\n"
            "    1 | [audio]?volume = 3?\n"
            "      |        ^\n"
            "    Save the file with Unix line ends; here: tr '\\r' '\\n' <FILE >NEW"
        ),
    ),
    (
        ("[audio]\nvolume = 3\x00"),
        """\
settings:2: audio.volume: there is a character here that cannot be seen: U+0000, NUL
    2 | volume = 3?
      |           ^
    allowed: a whole number from 0 to 100
    Write: volume = 3""",
    ),
    (
        ("[audio]\n# a bell \x07 here\nvolume = 3"),
        """\
settings:2: there is a character here that cannot be seen: U+0007, a control character
    2 | # a bell ? here
      |          ^
    Write: # a bell  here""",
    ),
    (
        "\u200b[audio]",
        """\
settings:1: there is a character here that cannot be seen: U+200B, ZERO WIDTH SPACE
    1 | ?[audio]
      | ^
    Write: [audio]""",
    ),
    (
        ("[audio]\nvolume = 30\ufeff"),
        """\
settings:2: audio.volume: there is a character here that cannot be seen: U+FEFF, ZERO WIDTH NO-BREAK SPACE
    2 | volume = 30?
      |            ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        """\
[model]
api_key = sk-proj-A1b2C3d4A1b2C3d4A1b2C3d4""",
        """\
settings:2: model.api_key: this text stands without quotes
    2 | api_key = ********
      |           ^
    The key does not belong into this file. Remove the line and put it where only the service can read it:
    `sudo scripts/install --key` asks for it; or write it alone into a file of mode 0600 and name that
    file in model.api_key_file. If this file was ever shared, revoke the key.""",
    ),
    (
        """\
[model.headers]
X-Room = hunter2""",
        """\
settings:2: model.headers.X-Room: this text stands without quotes
    2 | X-Room = ********
      |          ^
    allowed: a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        """\
[model]
url = wss://me:hunter2@host/v1?code=hunter2""",
        """\
settings:2: model.url: this text stands without quotes
    2 | url = wss://********@host/v1?code=********
      |       ^
    allowed: a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        "a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        """\
settings:1: brackets or names are nested too deep here
    No setting is more than 30 deep: close each bracket, or name another file.""",
    ),
    (
        "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.y = 1",
        """\
settings:1: brackets or names are nested too deep here
    No setting is more than 30 deep: close each bracket, or name another file.""",
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
            "settings:3: panel.button.mute_switch_pin: a place on the header is written BOARD15, in quotes\n"
            "    3 | mute_switch_pin = pin 15\n"
            "      |                   ^\n"
            "    allowed: a whole number or a text in quotes\n"
            '    Write: mute_switch_pin = "BOARD15"'
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
        """\
settings:2: audio.volume: = is missing between volume and its value
    2 | volume 60%
      |        ^
    allowed: a whole number from 0 to 100
    Write: volume = 60
settings:3: audio.echo: a colon stands where = belongs
    3 | echo: cancel
      |     ^
    allowed: "auto" or "cancel" or "half_duplex" or "off"
    Write: echo = "cancel"
settings:4: audio.wake: Yes is no value of TOML
    4 | wake = Yes
      |        ^
    Write: wake = true
settings:5: audio.stop_fade_ms: ms stands after the number: a number has no unit
    5 | stop_fade_ms = 300ms
      |                ^
    allowed: a whole number from 0 to 10000
    Write: stop_fade_ms = 300""",
    ),
    (
        """\
[model.headers]
X-Room = hunter2 # x
Y = 1 2""",
        """\
settings:2: model.headers.X-Room: this text stands without quotes
    2 | X-Room = ********
      |          ^
    allowed: a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.
settings:3: model.headers.Y: '2' stands after the value
    3 | Y = ********
      |     ^
    allowed: a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
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
        """\
settings:2: audio.volume: on is no value of TOML
    2 | volume = on
      |          ^
    allowed: a whole number from 0 to 100
    Write a value that is allowed here.""",
    ),
    (
        ('[model]\ninstructions = """Say """hello""" first."""'),
        (
            'settings:2: model.instructions: \'hello""" first."""\' stands after the end of a text\n'
            '    2 | instructions = """Say """hello""" first."""\n'
            "      |                          ^\n"
            "    allowed: a text in quotes\n"
            '    Delete it; or """ ends the text too early.'
        ),
    ),
    (
        """\
[panel.button]
pin = GPIO 17""",
        (
            "settings:2: panel.button.pin: this text stands without quotes\n"
            "    2 | pin = GPIO 17\n"
            "      |       ^\n"
            "    allowed: a whole number or a text in quotes\n"
            '    Write: pin = "GPIO 17"'
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
            "    allowed: a text in quotes not empty\n"
            '    Write: input = "plughw:1,0"'
        ),
    ),
    (
        """\
[audio] // sound
volume = 3""",
        """\
settings:1: audio: // begins no comment in TOML
    1 | [audio] // sound
      | ^
    Write: [audio]   # sound""",
    ),
    (
        ('[audio]\nvolume = 30 "loud"'),
        """\
settings:2: audio.volume: '"loud"' stands after the value
    2 | volume = 30 "loud"
      |             ^
    allowed: a whole number from 0 to 100
    Delete it; a comment begins with #. The value is 30""",
    ),
    (
        """\
[model]
headers = { X-Room }""",
        """\
settings:2: model.headers: braces hold names with their values, and there is no =
    2 | headers = ********
      |           ^
    allowed: a table of names, each with a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        """\
[audio.gate]
silero = maybe""",
        """\
settings:2: audio.gate.silero: this text stands without quotes
    2 | silero = maybe
      |          ^
    allowed: "auto" or "on" or "off"
    Write a value that is allowed here.""",
    ),
    (
        """\
[dialogue]
listen_window_s = 10s""",
        """\
settings:2: dialogue.listen_window_s: s stands after the number: a number has no unit
    2 | listen_window_s = 10s
      |                   ^
    allowed: a number from 0.5 to 3600
    Write: listen_window_s = 10""",
    ),
    (
        """\
[dialogue]
listen_window_s = 2min""",
        """\
settings:2: dialogue.listen_window_s: min stands after the number: a number has no unit
    2 | listen_window_s = 2min
      |                   ^
    allowed: a number from 0.5 to 3600
    Write: listen_window_s = 120""",
    ),
    (
        """\
[control]
enabled = FALSE""",
        """\
settings:2: control.enabled: FALSE is written small
    2 | enabled = FALSE
      |           ^
    allowed: true or false
    Write: enabled = false""",
    ),
    (
        """\
[model]
headers = { a = 1, a = 2 }""",
        """\
settings:2: model.headers: a name stands twice in these braces
    2 | headers = ********
      | ^
    allowed: a table of names, each with a text in quotes
    Put the value in quotes. It is not shown here, since it may be a secret.""",
    ),
    (
        ("[[audio]]\nvolume = 3\n[audio]\n"),
        """\
settings:3: audio: audio was begun as a list of tables in line 1
    3 | [audio]
      | ^
    Write [audio] with one bracket in line 1, and delete this line.""",
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
            "settings:2: audio.volume: this text stands without quotes\n"
            "    2 | volume = \\30\n"
            "      |          ^\n"
            "    allowed: a whole number from 0 to 100\n"
            "    Write a value that is allowed here."
        ),
    ),
    (
        """\
[audio]
volume => 30""",
        """\
settings:2: audio.volume: => stands where = belongs
    2 | volume => 30
      | ^
    allowed: a whole number from 0 to 100
    Write: volume = 30""",
    ),
    (
        "a = {b = 'x' c = 'y'}",
        """\
settings:1: a: these braces cannot be read
    1 | a = {b = 'x' c = 'y'}
      |              ^
    Write [a] on a line, and below it its settings, a line each.""",
    ),
    (
        ('[model]\nvoice = "a\x07b"'),
        (
            "settings:2: model.voice: there is a character here that cannot be seen: U+0007, a control character\n"
            '    2 | voice = "a?b"\n'
            "      |           ^\n"
            "    allowed: a text in quotes\n"
            '    Write: voice = "ab"'
        ),
    ),
    (
        "[audio = 5",
        """\
settings:1: a bracket stands before a setting
    1 | [audio = 5
      | ^
    Write: audio = 5""",
    ),
    (
        """\
[panel.light]
rgb_pins = 5, 6, 7]""",
        """\
settings:2: panel.light.rgb_pins: there are several values, and no list
    2 | rgb_pins = 5, 6, 7]
      |             ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Write: rgb_pins = [5, 6, ]""",
    ),
    (
        """\
[panel.light]
rgb_pins = [5, 6, 7] [8]""",
        """\
settings:2: panel.light.rgb_pins: this list cannot be read
    2 | rgb_pins = [5, 6, 7] [8]
      |                      ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Commas stand between its elements, and texts in quotes: ["one", "two"].""",
    ),
    (
        """\
[panel.light]
rgb_pins = [5, six', 7]""",
        """\
settings:2: panel.light.rgb_pins: this list cannot be read
    2 | rgb_pins = [5, six', 7]
      |                ^
    allowed: a list at most 3 long, each a whole number or a text in quotes
    Commas stand between its elements, and texts in quotes: ["one", "two"].""",
    ),
]
