'use strict'
// Pay by a signature: wallet.js knows the wallets, the server builds what is signed and sends it.
let said = ['', '']
// the status of an invoice that has a signed payment on its way, or asks for nothing by now
const PENDING = 409

const place = () => byId('gasless')
const saying = (key, name) => (place().dataset[key] ?? box().dataset[key]).replace('{wallet}', name)

function say(key, name) {
  said = [key, name]
  drawSigning()
  if (key && place()) byId('announce').textContent = saying(key, name)
}

function drawSigning() {
  if (!place()) return
  const [key, name] = said
  const parts = [...wallets].map(([id, wallet]) => {
    const one = button(place().dataset.pay.replace('{wallet}', wallet.name), () => sign(wallet))
    one.id = 'gasless-' + id
    one.classList.add('quiet')
    return one
  })
  if (key) {
    const line = document.createElement('p')
    line.id = 'gasless-note'
    line.className = 'only ' + key
    line.textContent = saying(key, name)
    parts.unshift(line)
  }
  place().replaceChildren(...parts)
}

async function sign(wallet) {
  if (busy || !place()) return
  const { url, chain, asset } = place().dataset
  const call = JSON.parse(box().dataset.call)
  busy = true
  say('confirm', wallet.name)
  let ended = 'failed'
  try {
    const [from] = await wallet.request('eth_requestAccounts', [])
    const asked = await fetch(url + '?' + new URLSearchParams({ chain, asset, from }))
    if (!asked.ok) ended = 'refused'
    else if (!await onChain(wallet, call)) ended = 'network'
    else {
      const { typed_data: typed } = await asked.json()
      const signature = await wallet.request('eth_signTypedData_v4', [from, JSON.stringify(typed)])
      const body = JSON.stringify({ chain, asset, authorization: typed.message, signature })
      // whoever loses the answer cannot know what became of it
      ended = 'unsure'
      const taken = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      if (taken.ok) ended = 'taken'
      else if (taken.status < 500 && taken.status !== PENDING) ended = 'refused'
    }
  } catch (error) {
    if (error?.code === DECLINED) ended = 'declined'
    else if (error?.code === UNKNOWN_CHAIN) ended = 'network'
  }
  busy = false
  draw()
  say(ended, wallet.name)
}

addEventListener('eip6963:announceProvider', drawSigning)
addEventListener('panel', drawSigning)
drawSigning()
