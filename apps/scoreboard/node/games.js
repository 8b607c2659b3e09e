// A game as its item in the table says it; the same rules as rollup/games.py, where they are explained.
'use strict'

const MAX_KEY_BYTES = 128
const MAX_HANDLE = 32
const MAX_NAME = 24
const MAX_NAMES = 4
const MAX_LENGTH_SECONDS = 24 * 3600

class NotAGame extends Error {}

/** Takes a plain object (AWS.DynamoDB.Converter.unmarshall); null for a game that was not played to its end. */
function readCompleted (item) {
  const eventKey = text(item, 'event_key')
  const startTimestamp = number(item, 'start_timestamp')
  if (item.completed !== true) return null
  if (Buffer.byteLength(eventKey) > MAX_KEY_BYTES) throw new NotAGame('event_key has more than ' + MAX_KEY_BYTES + ' bytes')
  const lengthSeconds = number(item, 'length_seconds')
  if (lengthSeconds < 0 || lengthSeconds > MAX_LENGTH_SECONDS) throw new NotAGame('length_seconds is ' + lengthSeconds)
  const achievements = Array.isArray(item.achievements) ? item.achievements : []
  achievements.forEach(function (entry) {
    if (entry === null || typeof entry !== 'object') throw new NotAGame('achievements holds something that is not a map')
  })
  const bonus = achievements.reduce(function (sum, entry) { return sum + number(entry, 'bonus_score') }, 0)
  const score = number(item, 'score')
  if (!Number.isSafeInteger(score + bonus)) throw new NotAGame((score + bonus) + ' points')
  return {
    event_key: eventKey,
    start_timestamp: startTimestamp,
    handle: cut(text(item, 'handle'), MAX_HANDLE),
    score: score,
    bonus: bonus,
    points: score + bonus,
    length_seconds: lengthSeconds,
    ended_at: startTimestamp + lengthSeconds,
    achievements: achievements.slice(0, MAX_NAMES).map(function (entry) { return cut(text(entry, 'name'), MAX_NAME) })
  }
}

function text (item, name) {
  if (typeof item[name] !== 'string' || item[name] === '') throw new NotAGame(name + ' is no text')
  return item[name]
}

function number (item, name) {
  if (!Number.isSafeInteger(item[name])) throw new NotAGame(name + ' is no whole number')
  return item[name]
}

/** By characters, not by halves of them. */
function cut (string, most) {
  return Array.from(string).slice(0, most).join('')
}

module.exports = { MAX_LENGTH_SECONDS, NotAGame, readCompleted }
