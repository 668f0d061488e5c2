// The till's keys without a new page for each: what gateway/checkout/keypad.py does, here.
"use strict";
(() => {
  const form = document.getElementById("sale");
  const field = document.getElementById("amount");
  if (!form) return;
  const press = (shown, key, places) => {
    if (key === "clear") return "";
    if (key === "back") return shown.slice(0, -1);
    if (shown.length >= 60) return shown;
    const [whole, fraction] = shown.split(".");
    if (key === ".") return fraction !== undefined || !places ? shown : (whole || "0") + ".";
    if (fraction !== undefined) return fraction.length < places ? shown + key : shown;
    return shown === "0" ? key : shown + key;
  };
  form.addEventListener("click", (event) => {
    const key = event.target.closest("[name=key]");
    if (!key || !field) return;
    event.preventDefault();
    field.value = press(field.value, key.value, Number(field.dataset.places));
    field.removeAttribute("aria-invalid");
    document.getElementById("wrong")?.remove();
  });
  // A second press while the first is on its way would be a second sale.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
})();
