// Loaded in the head, before anything is drawn: the chosen theme (the one the staff pages keep too), and that scripts run.
"use strict";

(() => {
  const KEY = "_x_adminTheme";
  const root = document.documentElement;

  function chosen() {
    try {
      return JSON.parse(localStorage.getItem(KEY)) || "auto";
    } catch {
      return "auto";
    }
  }

  function show(theme) {
    root.classList.toggle("light", theme === "light");
    root.classList.toggle("dark", theme === "dark");
  }

  window.portalTheme = {
    chosen,
    choose(theme) {
      localStorage.setItem(KEY, JSON.stringify(theme));
      show(theme);
    },
  };
  root.classList.add("js");
  show(chosen());
})();
