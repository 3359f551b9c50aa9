/**
 * Recognises the passwords that everybody tries first: the words that head every published ranking of leaked passwords, with the
 * decorations people add to them (case, digits and signs around, letters written as digits), and runs along the alphabet or keyboard.
 * A rule over some words, where a list would hold each of their variants.
 */

const WORDS = new Set(
  `
  password passwort passwd parola senha contrasena motdepasse wachtwoord heslo haslo salasana losenord sifre parool
  welcome letmein changeme changeit default secret master admin administrator root user guest test testing tester login logon access private public server
  computer internet system network service support manager office company business account money dollar dollars bitcoin ethereum crypto wallet exchange trading trader
  hello hallo hola bonjour goodbye please whatever nothing something anything everything forever always never maybe myself
  iloveyou ilove loveyou lovely lover lovers loveme love mylove babygirl babyboy baby honey sweetheart sweety sweetie darling angel angels princess prince queen king
  sunshine rainbow flower flowers butterfly blossom summer winter spring autumn january february march april june july august september october november december
  monday tuesday wednesday thursday friday saturday sunday morning midnight starlight moonlight
  monkey dragon tiger tigers eagle eagles falcon falcons dolphin dolphins panther panthers lion lions bear bears wolf wolves horse horses kitty kitten puppy doggy
  elephant turtle rabbit bunny chicken turkey spider scorpion shark phoenix unicorn pegasus
  football baseball basketball softball volleyball hockey soccer tennis golfer golfing bowling fishing hunting runner skater surfer swimming champion champions winner
  liverpool arsenal chelsea manchester united everton barcelona realmadrid juventus celtic rangers yankees lakers cowboys steelers raiders packers broncos redskins patriots
  superman batman spiderman wolverine ironman starwars startrek skywalker jedi yoda darthvader matrix terminator godzilla pokemon pikachu naruto zelda mario minecraft fortnite warcraft counterstrike
  michael jennifer jessica michelle daniel joshua matthew andrew anthony christopher jonathan nicholas alexander alexandra alexandr william robert thomas charles george richard steven patrick
  brandon justin jordan austin taylor hunter harley ashley amanda melissa nicole stephanie samantha elizabeth heather danielle rebecca victoria vanessa natasha natalia kristina anastasia tatiana
  maria marina martina valentina barbara sandra sabrina veronica monica patricia cristina carolina caroline catherine katherine charlotte isabella gabriel gabriela sebastian francisco alejandro fernando
  oliver jackson maverick mustang ferrari porsche mercedes corvette camaro yamaha honda toyota suzuki kawasaki harleydavidson chevrolet
  google facebook youtube twitter instagram linkedin microsoft windows apple iphone samsung nokia sony playstation nintendo xbox android linux ubuntu oracle cisco adobe photoshop
  chocolate cookie cookies cheese banana orange strawberry cherry peaches pepper ginger vanilla coffee whiskey budweiser
  london paris berlin newyork america american england germany france canada australia brasil brazil mexico russia moscow india israel
  freedom liberty justice victory destiny fantasy serenity harmony diamond crystal silver golden platinum emerald sapphire
  jesus jesuschrist christ blessed heaven faith church trustno trustnoone godisgood
  shadow ghost killer hacker ninja samurai warrior knight wizard merlin gandalf vampire zombie monster demon devil lucifer
  fuckyou fuckme fuckoff asshole bullshit bitch pussy sexy
  metallica nirvana slipknot eminem beatles guitar music rockstar rocknroll
  qwerty qwertyuiop qwertz qwertzuiop azerty azertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc qwaszx asdf qwer zxcv
  batterystaple correcthorse correcthorsebatterystaple opensesame abracadabra blahblah
  `
    .trim()
    .split(/\s+/),
);

const ROWS = ['01234567890', 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiop', 'qwertzuiop', 'azertyuiop', 'asdfghjkl', 'zxcvbnm', '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p', 'qazwsxedcrfvtgbyhnujmikolp', '1q2w3e4r5t6y7u8i9o0p'];
const RUNS = ROWS.flatMap((row) => [row, [...row].reverse().join('')]);
const LETTERS: Readonly<Record<string, string>> = { '@': 'a', '4': 'a', '3': 'e', '1': 'i', '!': 'i', '0': 'o', $: 's', '5': 's', '7': 't' };
const DATE = /^(?:(?:19|20)\d{6}|\d{4}(?:19|20)\d{2})$/;
const MIN_RUN = 4;

export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase();
  return isRepeated(text) || isRuns(text) || DATE.test(text) || cores(text).some((core) => WORDS.has(core) || isRepeated(core) || isRuns(core));
}

/** What is left when the decoration is taken off, with and without reading digits as letters. */
function cores(text: string): string[] {
  const bare = strip(text);
  const plain = [...text].map((character) => LETTERS[character] ?? character).join('');
  const readable = [...bare].map((character) => LETTERS[character] ?? character).join('');
  return [text, bare, readable, strip(plain)].filter((core) => core.length >= MIN_RUN);
}

/** Without what is no letter at either end. */
function strip(text: string): string {
  const isLetter = (index: number): boolean => /\p{L}/u.test(text[index] as string);
  let start = 0;
  let end = text.length;
  while (start < end && !isLetter(start)) start++;
  while (end > start && !isLetter(end - 1)) end--;
  return text.slice(start, end);
}

/** The same 1 to 4 characters over and over. */
function isRepeated(text: string): boolean {
  for (let size = 1; size <= MIN_RUN; size++) {
    if (text.length >= 2 * size && text === text.slice(0, size).repeat(Math.ceil(text.length / size)).slice(0, text.length)) return true;
  }
  return false;
}

/** Made of nothing but runs of at least four along a row: 12345678, abcd1234, qwerty12345. */
function isRuns(text: string): boolean {
  if (text.length < MIN_RUN) return false;
  let at = 0;
  while (at < text.length) {
    const run = longestRun(text, at);
    if (run < MIN_RUN) return false;
    at += run;
  }
  return true;
}

function longestRun(text: string, at: number): number {
  let length = Math.min(text.length - at, 40);
  while (length >= MIN_RUN && !RUNS.some((row) => row.includes(text.slice(at, at + length)))) length--;
  return length;
}
