// The rule of the board: what stands, and what a batch of changes makes of it. The same as rollup/board.py and
// rollup/records.py, where it is explained why a board keeps more games than it shows.
'use strict'

const AWS = require('aws-sdk')
const games = require('./games')

const KEY = { event_key: 'scoreboard', start_timestamp: 0 }
const CLOCK_SLACK_SECONDS = 60
const MAX_STANDING = 400
const MAX_REFUSED = 5

/** Smaller is better. */
function compare (one, other) {
  return other.points - one.points || other.ended_at - one.ended_at ||
    Buffer.compare(Buffer.from(one.event_key), Buffer.from(other.event_key)) ||
    one.start_timestamp - other.start_timestamp
}

function isCurrent (game, rules, now) {
  return now - rules.windowSeconds < game.ended_at && game.ended_at <= now + CLOCK_SLACK_SECONDS
}

/** The best and the waiting, in order of rank. */
function standing (all, rules, now) {
  const seen = new Set()
  const leaveLast = [] // when the last `size` of those above leave, in order
  return all.filter(function (game) { return isCurrent(game, rules, now) }).sort(compare).filter(function (game) {
    if (seen.has(keyOf(game)) || seen.size === MAX_STANDING) return false
    if (leaveLast.length === rules.size) {
      if (game.ended_at <= leaveLast[0]) return false
      leaveLast.shift()
    }
    const place = leaveLast.findIndex(function (endedAt) { return endedAt > game.ended_at })
    leaveLast.splice(place < 0 ? leaveLast.length : place, 0, game.ended_at)
    seen.add(keyOf(game))
    return true
  })
}

function fold (board, changes, rules, now) {
  const kept = board.games.filter(function (game) { return !changes.withdrawn.has(keyOf(game)) })
  return standing(kept.concat(Array.from(changes.finished.values())), rules, now)
}

/** Whether a game that stands was taken back, or made worse. */
function mustRebuild (board, changes, rules, now) {
  return board.games.some(function (game) {
    if (!changes.withdrawn.has(keyOf(game)) || !isCurrent(game, rules, now)) return false
    const replacement = changes.finished.get(keyOf(game))
    return !replacement || compare(replacement, game) > 0 || replacement.ended_at < game.ended_at
  })
}

/** What a batch of change records comes to. Of one key's records the last counts. */
function readChanges (records) {
  const changes = { finished: new Map(), withdrawn: new Set(), refused: [] }
  records.forEach(function (record) {
    const change = record.dynamodb || {}
    if (change.Keys && change.Keys.event_key.S === KEY.event_key) return // our own writing
    const before = read(change.OldImage, [])
    const after = read(change.NewImage, changes.refused)
    if (before) {
      changes.finished.delete(keyOf(before))
      if (!same(before, after)) changes.withdrawn.add(keyOf(before))
    }
    if (after) changes.finished.set(keyOf(after), after)
  })
  return changes
}

function read (image, refused) {
  try {
    return image ? games.readCompleted(AWS.DynamoDB.Converter.unmarshall(image)) : null
  } catch (error) {
    if (!(error instanceof games.NotAGame)) throw error
    if (refused.length < MAX_REFUSED) refused.push(error.message)
    return null
  }
}

function keyOf (game) {
  return game.start_timestamp + ' ' + game.event_key
}

/** Equal in every field; of lists as well as of games. */
function same (one, other) {
  return sorted(one) === sorted(other)
}

function sorted (value) {
  return JSON.stringify(value, function (_name, inner) {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(function (a, b) { return a[0] < b[0] ? -1 : 1 }))
  })
}

module.exports = { KEY, standing, fold, mustRebuild, readChanges, same }
