/* Before the first paint: the theme that was chosen here, else the system's; and whether this tab has a key. */
(function () {
  var root = document.documentElement;
  var dark = matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try {
      return localStorage.getItem("drey.theme");
    } catch {
      return null;
    }
  }
  function show() {
    root.dataset.theme = chosen() || (dark.matches ? "dark" : "light");
  }
  dark.addEventListener("change", show);
  show();
  if (sessionStorage.getItem("drey.key")) root.dataset.key = "";
})();
