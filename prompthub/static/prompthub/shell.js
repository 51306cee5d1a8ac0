// Lets Unfold's pages run under `script-src 'self'` with Alpine's CSP build, which evaluates neither globals nor
// statements. Loaded before Alpine (deferred) and before Unfold's app.js.
"use strict";

(() => {
  const OPEN = "sidebarDesktopOpen";

  // Unfold's app.js defines these as globals, which the CSP build does not let an attribute reach.
  const COMPONENTS = ["theme", "searchForm", "searchDropdown", "searchCommand"];

  // What is more than one expression, or names a global, becomes a call of a method below.
  const REPLACED = new Map([
    ["openSearchResults = true; currentIndex = 0", "showResults()"],
    [
      "openSearchResults = false; if ($refs.searchInput.value === '') { $refs.searchInput.blur() } else { $refs.searchInput.value = '' }",
      "leaveSearch()",
    ],
    [
      "activeTab && activeTab !== 'general' ? window.location.pathname + window.location.search + '#' + activeTab : window.location.pathname + window.location.search",
      "formAction()",
    ],
    [
      "sidebarDesktopOpen = !sidebarDesktopOpen; localStorage.setItem('sidebarDesktopOpen', sidebarDesktopOpen ? '1' : '0');",
      "toggleSidebar()",
    ],
  ]);
  const GUARDED = /^if \((.+)\) (\w+\(.*\));?$/;

  function plain(expression) {
    const known = REPLACED.get(expression);
    if (known) return known;
    const guarded = GUARDED.exec(expression);
    return guarded ? `${guarded[1]} && ${guarded[2]}` : expression;
  }

  function rewrite(element) {
    for (const attribute of [...element.attributes]) {
      if (!attribute.name.startsWith("x-on:") && !attribute.name.startsWith("x-bind:")) continue;
      const expression = attribute.value.trim();
      const better = plain(expression);
      if (better !== expression) element.setAttribute(attribute.name, better);
    }
  }

  const shell = () => ({
    activeTab: document.body.dataset.activeTab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem(OPEN) !== "0",

    init() {
      if (this.activeTab) this.activeTab = getCurrentTab() || this.activeTab;
    },
    toggleSidebar() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
      localStorage.setItem(OPEN, this.sidebarDesktopOpen ? "1" : "0");
    },
    formAction() {
      const tab = this.activeTab && this.activeTab !== "general" ? `#${this.activeTab}` : "";
      return location.pathname + location.search + tab;
    },
    sortRecords(event) {
      return window.sortRecords(event);
    },
    moveRecords(event) {
      return moveRecords(event);
    },
  });

  const additions = {
    searchDropdown: {
      showResults() {
        this.openSearchResults = true;
        this.currentIndex = 0;
      },
      leaveSearch() {
        const input = this.$refs.searchInput;
        this.openSearchResults = false;
        if (input.value === "") input.blur();
        else input.value = "";
      },
    },
  };

  document.addEventListener("alpine:init", () => {
    for (const name of COMPONENTS) {
      Alpine.data(name, (...given) => ({ ...window[name](...given), ...additions[name] }));
    }
    Alpine.data("shell", shell);
    Alpine.interceptInit(rewrite);
  });
})();
