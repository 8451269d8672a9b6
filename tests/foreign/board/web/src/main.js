const cards = await (await fetch("/api/cards")).json();
for (const card of cards) {
  const line = document.createElement("li");
  line.textContent = card;
  document.querySelector("ul").append(line);
}
