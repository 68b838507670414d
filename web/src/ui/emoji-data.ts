type EmojiGroup = "smileys" | "people" | "hearts" | "nature" | "food" | "things" | "signs";

/** Emoji by group, each with the words that find it. Compact on purpose: what people use, not all of Unicode. */
export const emojiGroups: readonly { id: EmojiGroup; emoji: readonly (readonly [string, string])[] }[] = [
  {
    id: "smileys",
    emoji: parse(
      "😀 grin happy|😃 smile happy|😄 smile laugh|😁 beam grin|😆 laugh|😅 sweat relief|🤣 rofl laugh|😂 joy tears laugh|🙂 slight smile|🙃 upside down|😉 wink|😊 blush smile|😇 angel halo|🥰 love hearts|😍 heart eyes love|🤩 star struck|😘 kiss|😗 kissing|😋 yum tasty|😛 tongue|😜 wink tongue|🤪 zany crazy|🤑 money|🤗 hug|🤭 oops giggle|🤫 quiet shush|🤔 think hmm|🤐 zipper|🤨 eyebrow doubt|😐 neutral|😑 expressionless|😶 speechless|😏 smirk|😒 unamused|🙄 roll eyes|😬 grimace|😌 relieved|😔 sad pensive|😪 sleepy|😴 sleep|😷 mask sick|🤒 fever sick|🤕 hurt|🤢 nausea|🤮 vomit|🤧 sneeze|🥵 hot|🥶 cold|😵 dizzy|🤯 mind blown|🥳 party celebrate|😎 cool sunglasses|🤓 nerd|😕 confused|😟 worried|🙁 frown|😮 wow surprised|😲 astonished|😳 flushed|🥺 please pleading|😨 afraid|😰 anxious|😥 sad|😢 cry|😭 sob cry|😱 scream|😖 confounded|😞 disappointed|😓 sweat|😩 weary|😫 tired|🥱 yawn|😤 triumph|😡 angry rage|😠 angry|🤬 swear|😈 devil|💀 skull dead|💩 poop|🤡 clown|👻 ghost|👽 alien|🤖 robot",
    ),
  },
  {
    id: "people",
    emoji: parse(
      "👍 thumbs up yes ok good|👎 thumbs down no bad|👌 ok|✌️ victory peace|🤞 fingers crossed luck|🤟 love you|🤘 rock|👋 wave hello bye|🤚 hand|✋ stop hand|🖖 vulcan|👏 clap applause|🙌 hooray hands|🫶 heart hands|🤝 handshake deal|🙏 thanks please pray|✍️ write|💪 strong muscle|👀 eyes look|🧠 brain|👈 left|👉 right|👆 up|👇 down|☝️ one|🫡 salute|🤷 shrug|🤦 facepalm|🙋 raise hand|💁 tip hand|🙅 no|🙆 ok|🏃 run|🚶 walk|💃 dance|🕺 dance|🧑‍💻 coder developer|👶 baby|🧑 person|👩 woman|👨 man|👮 police|🧙 wizard|🦸 hero",
    ),
  },
  {
    id: "hearts",
    emoji: parse(
      "❤️ heart love red|🧡 heart orange|💛 heart yellow|💚 heart green|💙 heart blue|💜 heart purple|🖤 heart black|🤍 heart white|🤎 heart brown|💔 broken heart|❤️‍🔥 heart fire|💕 hearts|💖 sparkling heart|💯 hundred|💢 anger|💥 boom|💫 dizzy star|💦 splash|💨 dash|💬 speech|💭 thought|💤 zzz|🔥 fire hot lit|✨ sparkles|⭐ star|🌟 star|🎉 party tada celebrate|🎊 confetti|🎈 balloon|🎁 gift present|🏆 trophy|🥇 gold first|🎯 target|🚀 rocket ship launch",
    ),
  },
  {
    id: "nature",
    emoji: parse(
      "🐶 dog|🐱 cat|🐭 mouse|🐰 rabbit|🦊 fox|🐻 bear|🐼 panda|🐨 koala|🐯 tiger|🦁 lion|🐮 cow|🐷 pig|🐸 frog|🐵 monkey|🙈 see no evil|🙉 hear no evil|🙊 speak no evil|🐔 chicken|🐧 penguin|🦉 owl|🦄 unicorn|🐝 bee|🐛 bug|🦋 butterfly|🐌 snail|🐢 turtle|🐍 snake|🐙 octopus|🐳 whale|🐬 dolphin|🌱 plant|🌵 cactus|🌲 tree|🍀 clover luck|🌹 rose|🌻 sunflower|🌍 earth world|🌙 moon|☀️ sun|⛅ cloud|🌧️ rain|⛈️ storm|❄️ snow|🌈 rainbow|🌊 wave sea",
    ),
  },
  {
    id: "food",
    emoji: parse(
      "🍎 apple|🍌 banana|🍓 strawberry|🍉 melon|🥑 avocado|🍅 tomato|🌶️ chili|🥕 carrot|🍞 bread|🥐 croissant|🧀 cheese|🥚 egg|🥓 bacon|🍔 burger|🍟 fries|🍕 pizza|🌮 taco|🥗 salad|🍝 pasta|🍜 noodles|🍣 sushi|🍦 ice cream|🍩 donut|🍪 cookie|🎂 cake birthday|🍫 chocolate|🍿 popcorn|☕ coffee|🍵 tea|🥤 drink|🍺 beer|🍻 cheers|🍷 wine|🥂 champagne cheers|🍸 cocktail",
    ),
  },
  {
    id: "things",
    emoji: parse(
      "⚽ football soccer|🏀 basketball|🎾 tennis|🎮 game|🎲 dice|🧩 puzzle|🎵 music|🎸 guitar|🎧 headphones|🎬 film|📷 camera photo|💻 laptop computer|📱 phone|⌨️ keyboard|🖨️ printer|💡 idea light|🔦 torch|📚 books|📖 book read|📝 note memo|📎 paperclip|📌 pin|📅 calendar date|📈 chart up|📉 chart down|🔍 search|🔒 lock|🔑 key|🔨 hammer|🔧 wrench tool|⚙️ gear settings|🧪 test|💊 pill|🚗 car|🚕 taxi|🚌 bus|🚲 bike|✈️ plane travel|🚂 train|🏠 house home|🏢 office work|⏰ alarm clock|⏳ hourglass wait|💰 money|💳 card|✉️ mail|📦 package|🗑️ bin trash",
    ),
  },
  {
    id: "signs",
    emoji: parse(
      "✅ check done yes|☑️ checked|✔️ check|❌ cross no wrong|❓ question|❗ exclamation|⚠️ warning|🚫 forbidden|⛔ stop|➕ plus|➖ minus|♻️ recycle|🔴 red|🟠 orange|🟡 yellow|🟢 green|🔵 blue|🟣 purple|⚫ black|⚪ white|🆗 ok|🆕 new|🔝 top|🔜 soon|🏳️ flag|🏁 finish|🏳️‍🌈 rainbow pride",
    ),
  },
];

function parse(text: string): (readonly [string, string])[] {
  return text.split("|").map((line) => {
    const space = line.indexOf(" ");
    return [line.slice(0, space), line.slice(space + 1)] as const;
  });
}
