// Shows board.json, which the function replaces whenever the board changes.
//
// Games grow old without anybody's doing, so what is on the board is decided here, at every look: the first `size` of
// `best` and `waiting` that are not older than the hour. Handles are written by anybody: they are text, never markup.
'use strict'

const LOOK_MS = 1000
const NEW_MS = 4000
const AWAY_AFTER_MS = 5000

const list = document.getElementById('board')
const template = document.getElementById('row')
const rows = new Map() // key of a game -> its <li>

let board = null
let version = null
let changedAt = 0
let heardAt = Date.now()
let clockAhead = 0 // of ours, against the server's, in ms
let first = true

const number = new Intl.NumberFormat('en')

async function look () {
  try {
    const answer = await fetch('board.json', { cache: 'no-cache' })
    if (answer.ok) {
      board = await answer.json()
      const date = Date.parse(answer.headers.get('Date'))
      if (!Number.isNaN(date) && Math.abs(Date.now() - date) > 2000) clockAhead = Date.now() - date
      if (version !== null && board.version !== version) changedAt = Date.now()
      version = board.version
    }
    if (answer.ok || answer.status === 404) heardAt = Date.now()
  } catch (error) {
    console.debug('no answer', error)
  }
  show()
}

function show () {
  const now = (Date.now() - clockAhead) / 1000
  const games = board ? bestOf(board, now) : []
  const keys = new Set(games.map(keyOf))
  for (const [key, row] of rows) if (!keys.has(key)) { row.remove(); rows.delete(key) }
  games.forEach(function (game, index) {
    const row = rows.get(keyOf(game)) || newRow(game)
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] || null)
    refresh(row, game, index, now)
  })
  if (board) first = false
  document.getElementById('nobody').hidden = !board || games.length > 0
  document.getElementById('waiting').textContent = board ? waitingSentence(board, games, now) : ''
  showStatus()
}

function bestOf (board, now) {
  return standing(board, now).slice(0, board.size)
}

function standing (board, now) {
  return board.best.concat(board.waiting).filter(function (game) { return game.ended_at > now - board.window_seconds })
}

function newRow (game) {
  const row = template.content.firstElementChild.cloneNode(true)
  text(row, '.handle', game.handle)
  text(row, '.points', number.format(game.points))
  text(row, '.sum', game.bonus ? number.format(game.score) + ' + ' + number.format(game.bonus) : 'no bonus')
  const achievements = row.querySelector('.achievements')
  for (const name of game.achievements) {
    const chip = document.createElement('span')
    chip.textContent = name
    achievements.append(chip)
  }
  if (!first) {
    row.classList.add('new')
    setTimeout(function () { row.classList.remove('new') }, NEW_MS)
  }
  rows.set(keyOf(game), row)
  return row
}

function refresh (row, game, index, now) {
  const left = game.ended_at + board.window_seconds - now
  text(row, '.rank', String(index + 1))
  text(row, '.ago', ago(now - game.ended_at))
  row.querySelector('.rest').style.width = Math.max(0, Math.min(100, 100 * left / board.window_seconds)) + '%'
  row.querySelector('.when').title = 'leaves the board in ' + Math.ceil(left / 60) + ' min'
}

function text (row, selector, value) {
  const element = row.querySelector(selector)
  if (element.textContent !== value) element.textContent = value
}

function ago (seconds) {
  if (seconds < 5) return 'just now'
  if (seconds < 60) return Math.floor(seconds) + ' s ago'
  return Math.floor(seconds / 60) + ' min ago'
}

function waitingSentence (board, games, now) {
  const waiting = standing(board, now).length - games.length
  if (waiting <= 0) return ''
  return waiting + (waiting === 1 ? ' more game waits' : ' more games wait') + ' for a better one to be an hour old.'
}

function showStatus () {
  const away = Date.now() - heardAt > AWAY_AFTER_MS
  const words = changedAt ? 'live, changed ' + ago((Date.now() - changedAt) / 1000) : 'live'
  document.getElementById('status').dataset.state = away ? 'away' : board ? 'live' : 'waiting'
  const status = away ? 'no answer; the board may be older' : board ? words : 'waiting for the first board …'
  const element = document.getElementById('status-text')
  if (element.textContent !== status) element.textContent = status
}

function keyOf (game) {
  return game.start_timestamp + ' ' + game.event_key
}

setInterval(function () { if (!document.hidden) look() }, LOOK_MS)
document.addEventListener('visibilitychange', function () { if (!document.hidden) look() })
look()
