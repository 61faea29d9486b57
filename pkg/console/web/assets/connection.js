// Says so while the server does not answer what a page asks by itself, such as how far a job is.
"use strict";
(() => {
  const says = document.getElementById("connection");
  const tell = (text) => { if (says.textContent !== text) says.textContent = text; }; // it is read aloud when it changes
  document.addEventListener("htmx:error", () => tell("The server does not answer. What you see is from before; the page goes on by itself when the server answers again."));
  document.addEventListener("htmx:before:response", () => tell(""));
})();
