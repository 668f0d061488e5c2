'use strict'
// The wallets of this browser (EIP-6963). The server built the call; it is only handed over.
const wallets = new Map()
// the codes of EIP-1193 and EIP-3085
const DECLINED = 4001
const UNKNOWN_CHAIN = 4902
let busy = false
let note = ['', '']

const box = () => byId('wallets')
const sentKey = () => 'sent ' + box().dataset.call
// who sent which call; a browser without storage forgets it with the page
const sent = new Map()

function sentBy(key) {
  try {
    return sent.get(key) ?? sessionStorage.getItem(key)
  } catch {
    return sent.get(key)
  }
}

function keepSent(key, name) {
  sent.set(key, name)
  try {
    sessionStorage.setItem(key, name)
  } catch {
    return
  }
}

function tell(key, name) {
  note = [key, name]
  const text = key ? box().dataset[key].replace('{wallet}', name) : ''
  draw()
  if (text) byId('announce').textContent = text
}

function button(text, press) {
  const made = document.createElement('button')
  made.type = 'button'
  made.className = 'main'
  made.append(text)
  made.disabled = busy
  made.onclick = press
  return made
}

function draw() {
  if (!box()) return
  for (const old of box().querySelectorAll('button, p')) old.remove()
  const was = sentBy(sentKey())
  const [key, name] = was ? ['sent', was] : note
  if (was) {
    const again = button(box().dataset.again, () => { keepSent(sentKey(), ''); tell('', '') })
    again.classList.add('quiet')
    again.id = 'wallet-again'
    box().prepend(again)
  } else {
    const made = [...wallets].map(([id, wallet]) => {
      const one = button(box().dataset.pay.replace('{wallet}', wallet.name), () => pay(wallet))
      one.id = 'wallet-' + id
      if (wallet.icon) {
        const icon = new Image(24, 24)
        icon.alt = ''
        icon.src = wallet.icon
        one.prepend(icon)
      }
      return one
    })
    box().prepend(...made)
  }
  if (key) {
    const line = document.createElement('p')
    line.id = 'wallet-note'
    line.className = 'only ' + key
    line.textContent = box().dataset[key].replace('{wallet}', name)
    box().prepend(line)
  }
}

async function onChain({ request }, { chainId, chain }) {
  try {
    await request('wallet_switchEthereumChain', [{ chainId }])
  } catch (error) {
    const unknown = [error?.code, error?.data?.originalError?.code].includes(UNKNOWN_CHAIN)
    if (!unknown || !chain) throw error
    await request('wallet_addEthereumChain', [chain])
  }
  // a wallet that only says it has switched would pay on another network
  return BigInt(await request('eth_chainId', [])) === BigInt(chainId)
}

async function pay(wallet) {
  if (busy) return
  const asked = box().dataset.call
  const key = sentKey()
  busy = true
  tell('confirm', wallet.name)
  let ended = 'failed'
  try {
    const call = JSON.parse(asked)
    const [from] = await wallet.request('eth_requestAccounts', [])
    if (!await onChain(wallet, call)) ended = 'network'
    // the page asks for something else by now
    else if (box()?.dataset.call !== asked) ended = ''
    else {
      const { to, value, data } = call
      await wallet.request('eth_sendTransaction', [{ from, to, value, data }])
      ended = 'sent'
      keepSent(key, wallet.name)
    }
  } catch (error) {
    if (error?.code === DECLINED) ended = 'declined'
    else if (error?.code === UNKNOWN_CHAIN) ended = 'network'
  }
  busy = false
  if (box()) tell(ended, wallet.name)
}

addEventListener('eip6963:announceProvider', ({ detail }) => {
  const { info, provider } = detail ?? {}
  if (typeof info?.uuid !== 'string' || typeof provider?.request !== 'function') return
  if (wallets.has(info.uuid)) return
  const icon = /^data:image\//.test(info.icon) ? info.icon : ''
  const request = (method, params) => provider.request({ method, params })
  wallets.set(info.uuid, { name: String(info.name).slice(0, 40), icon, request })
  draw()
})
addEventListener('panel', draw)
draw()
dispatchEvent(new Event('eip6963:requestProvider'))
