'use strict'
// A receipt prints without this script too: it adds the button, and the reader's own time.
const button = document.getElementById('print')
button.hidden = false
button.onclick = () => print()
// kept and handed on, so it names the zone
const options = { dateStyle: 'medium', timeStyle: 'long' }
for (const time of document.querySelectorAll('time')) {
  time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang + '-u-nu-latn', options)
  time.parentElement.removeAttribute('dir')
}
