// The scoreboard's function in the shape of 2014: callbacks, async.waterfall, context.done().
//
// It does what rollup/ does, with the same items and the same board.json, so either may take over from the other.
'use strict'

const AWS = require('aws-sdk')
const async = require('async')
const rule = require('./board')
const games = require('./games')

const TABLE = process.env.SCOREBOARD_TABLE
const BUCKET = process.env.SCOREBOARD_BUCKET
const RULES = {
  size: Number(process.env.SCOREBOARD_SIZE || 10),
  windowSeconds: Number(process.env.SCOREBOARD_WINDOW_SECONDS || 3600)
}
const BOARD_JSON = 'board.json'
const ATTEMPTS = 40
const MAX_PAUSE_MS = 100
const LOST_RACES = ['ConditionalCheckFailedException', 'PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey']

const table = new AWS.DynamoDB.DocumentClient({ params: { TableName: TABLE } })
const s3 = new AWS.S3({ params: { Bucket: BUCKET, Key: BOARD_JSON } })

exports.handler = function (event, context) {
  const changes = rule.readChanges(event.Records || [])
  changes.refused.forEach(function (reason) { console.log('WARN not a game: ' + reason) })

  async.waterfall([
    function (next) {
      again(function (done) { rollUp(changes, event.rebuild === true, done) }, next)
    },
    function (kept, next) {
      if (kept.changed) console.log('board ' + kept.board.version + ': ' + kept.board.games.length + ' games stand')
      again(function (done) { publish(kept.board, done) }, function (error, published) {
        next(error, {
          version: kept.board.version, changed: kept.changed, rebuilt: kept.rebuilt, published: published === true
        })
      })
    }
  ], function (error, report) {
    context.done(error, report)
  })
}

/** Reads the board, folds the changes in, and writes it if it differs and is still the one that was read. */
function rollUp (changes, rebuild, callback) {
  const now = Date.now() / 1000
  let board

  async.waterfall([
    function (next) {
      table.get({ Key: rule.KEY, ConsistentRead: true }, next)
    },
    function (answer, next) {
      board = fromItem(answer.Item)
      rebuild = rebuild || rule.mustRebuild(board, changes, RULES, now)
      if (!rebuild) return next(null, rule.fold(board, changes, RULES, now))
      completedGames(now, null, [], function (error, all) {
        next(error, error ? null : rule.standing(all, RULES, now))
      })
    },
    function (standing, next) {
      if (rule.same(standing, board.games)) return next(null, { board: board, changed: false, rebuilt: rebuild })
      const written = { version: board.version + 1, games: standing }
      table.put(put(toDocument(written, now), board.version), function (error) {
        next(error, { board: written, changed: true, rebuilt: rebuild })
      })
    }
  ], callback)
}

function put (document, versionRead) {
  const item = Object.assign({}, rule.KEY, document)
  if (versionRead === 0) return { Item: item, ConditionExpression: 'attribute_not_exists(event_key)' }
  return {
    Item: item,
    ConditionExpression: '#version = :read',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':read': versionRead }
  }
}

/** All that may count, from the table itself, page by page. */
function completedGames (now, startKey, found, callback) {
  table.scan({
    ConsistentRead: true,
    ExclusiveStartKey: startKey || undefined,
    FilterExpression: 'completed = :true AND start_timestamp > :earliest',
    ExpressionAttributeValues: {
      ':true': true, ':earliest': Math.floor(now) - RULES.windowSeconds - games.MAX_LENGTH_SECONDS
    }
  }, function (error, page) {
    if (error) return callback(error)
    page.Items.forEach(function (item) {
      try {
        const game = games.readCompleted(item)
        if (game) found.push(game)
      } catch (error) {
        if (!(error instanceof games.NotAGame)) throw error
      }
    })
    if (!page.LastEvaluatedKey) return callback(null, found)
    completedGames(now, page.LastEvaluatedKey, found, callback)
  })
}

/** Replaces board.json unless it is as new already: an older board never replaces a newer. */
function publish (board, callback) {
  if (!BUCKET) return callback(null, false)

  async.waterfall([
    function (next) {
      s3.headObject({}, function (error, head) {
        if (error && error.statusCode !== 404) return next(error)
        next(null, error ? null : head)
      })
    },
    function (head, next) {
      if (head && Number(head.Metadata['board-version']) >= board.version) return next(null, false)
      const request = s3.putObject({
        Body: JSON.stringify(toDocument(board, Date.now() / 1000)),
        ContentType: 'application/json; charset=utf-8',
        CacheControl: 'no-cache',
        ACL: 'public-read',
        Metadata: { 'board-version': String(board.version) }
      })
      // The SDK of 2014 has no parameter for conditions of 2024.
      request.on('build', function () {
        if (head) request.httpRequest.headers['If-Match'] = head.ETag
        else request.httpRequest.headers['If-None-Match'] = '*'
      })
      request.send(function (error) { next(error, !error) })
    }
  ], callback)
}

/** Once more, after a little while, whenever somebody else was faster. */
function again (step, callback) {
  async.retry({
    times: ATTEMPTS,
    interval: function (attempt) { return Math.random() * Math.min(MAX_PAUSE_MS, Math.pow(2, attempt)) },
    errorFilter: function (error) { return LOST_RACES.indexOf(error.code) >= 0 }
  }, step, callback)
}

function fromItem (item) {
  return item ? { version: item.version, games: item.best.concat(item.waiting) } : { version: 0, games: [] }
}

function toDocument (board, now) {
  return {
    version: board.version,
    updated_at: Math.floor(now),
    size: RULES.size,
    window_seconds: RULES.windowSeconds,
    best: board.games.slice(0, RULES.size),
    waiting: board.games.slice(RULES.size)
  }
}
