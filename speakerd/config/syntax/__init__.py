"""What is wrong with a text that is not TOML, in words for somebody who has never read its grammar.

`tomllib` says at which character it gave up. From there `explain` looks for what people do write: a value without
quotes, a colon, `yes`, `30%`, a quotation mark of a word processor. Pure: takes the text and the error, and returns
a `SyntaxMistake`. `diagnosis` finds the statement and asks the rules, which are in `characters`, `tables`, `names`,
`texts`, `lists` and `bare`. `values` guesses what was meant, `proposals` tries a line before it is proposed.
`problems` goes through a whole text, mends each mistake as it is proposed, and says them without secrets.
"""

from speakerd.config.syntax.diagnosis import SyntaxMistake, explain
from speakerd.config.syntax.problems import Broken, problems_of

__all__ = ["Broken", "SyntaxMistake", "explain", "problems_of"]
