'use strict'
// Everything works without this script; it adds copying, the clock and live changes.
const byId = (id) => document.getElementById(id)
const invoice = byId('invoice')
const announce = byId('announce')
// seconds: a clock that runs all the time only makes nervous
const NEAR = 900
// milliseconds
const RETRY = 5000
const language = document.documentElement.lang + '-u-nu-latn'

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy)
  } catch {
    const field = button.parentElement.querySelector('code, data')
    getSelection().selectAllChildren(field)
    document.execCommand('copy')
  }
  const text = button.textContent
  if (text === invoice.dataset.copied) return
  button.textContent = announce.textContent = invoice.dataset.copied
  button.classList.add('done')
  setTimeout(() => { button.textContent = text; button.classList.remove('done') }, 1800)
}

function enhance() {
  for (const button of invoice.querySelectorAll('button[data-copy]')) {
    button.hidden = false
    button.onclick = () => copy(button)
  }
  for (const time of invoice.querySelectorAll('time')) {
    time.textContent = new Date(time.dateTime).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' })
    time.parentElement.removeAttribute('dir')
  }
  tick()
  dispatchEvent(new Event('panel'))
}

function tick() {
  const timer = byId('timer')
  if (!timer) return
  const left = Math.max(0, Math.floor((new Date(timer.dataset.expires) - Date.now()) / 1000))
  const pad = (number) => String(number).padStart(2, '0')
  const hours = Math.floor(left / 3600)
  timer.textContent = (hours ? hours + ':' : '') + pad(Math.floor(left / 60) % 60) + ':' + pad(left % 60)
  const box = byId('left')
  box.hidden = left >= NEAR
  box.classList.toggle('near', left < 300)
}

function show({ version, title, announce: text, html }) {
  if (version === invoice.dataset.version) return
  const focused = document.activeElement?.id
  const open = [...invoice.querySelectorAll('details[open][id]')].map(({ id }) => id)
  const before = byId('panel').dataset.state
  invoice.innerHTML = html
  invoice.dataset.version = version
  document.title = title
  for (const id of open) byId(id)?.setAttribute('open', '')
  enhance()
  if (focused) byId(focused)?.focus()
  if (byId('panel').dataset.state !== before) announce.textContent = text
}

enhance()
setInterval(tick, 1000)
if (!document.querySelector('[data-final]')) listen()

// a browser asks again by itself, but not after an answer of 502 or 503
function listen() {
  const source = new EventSource(invoice.dataset.events)
  source.addEventListener('panel', (event) => {
    const data = JSON.parse(event.data)
    invoice.dataset.live = 'on'
    show(data)
    if (data.final) source.close()
  })
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY) }
}
