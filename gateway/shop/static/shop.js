// While something waits the page asks for itself again and shows what changed.
const seconds = 5, live = () => document.getElementById('live');

async function look() {
  const mine = live();
  if (!mine || !('waits' in mine.dataset)) return;
  if (!document.hidden) {
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById('live');
      if (fresh && fresh.dataset.version !== mine.dataset.version) {
        const focused = document.activeElement?.id;
        mine.replaceWith(fresh);
        if (focused) document.getElementById(focused)?.focus();
        document.getElementById('announce').textContent = fresh.dataset.news;
      }
    }
  }
  setTimeout(look, seconds * 1000);
}

setTimeout(look, seconds * 1000);
