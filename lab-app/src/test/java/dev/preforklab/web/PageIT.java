package dev.preforklab.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The page in a real browser: one browser for all tests, a server of its own for each. */
class PageIT {
  private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
  private static final Path CHROMEDRIVER = Path.of("/usr/bin/chromedriver");
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final List<String> SETTINGS =
      List.of("default", "disabled", "threshold0", "freeze");
  private static final int LINE_CHARTS = 9;

  private static ChromeDriver browser;

  private FakeLiveControl lab;
  private WebServer server;

  @BeforeAll
  static void startBrowser() {
    assumeTrue(
        Files.isExecutable(CHROMIUM) && Files.isExecutable(CHROMEDRIVER),
        "skipped: the page in a browser, because chromium or chromedriver is not in /usr/bin");
    LoggingPreferences logging = new LoggingPreferences();
    logging.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(CHROMIUM.toString());
    options.setCapability("goog:loggingPrefs", logging);
    options.addArguments(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync");
    browser =
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(CHROMEDRIVER.toFile())
                .usingAnyFreePort()
                .withSilent(true)
                .build(),
            options);
  }

  @AfterAll
  static void stopBrowser() {
    if (browser != null) {
      browser.quit();
    }
  }

  @BeforeEach
  void startServer() throws ListenException {
    lab = new FakeLiveControl(SETTINGS.toArray(new String[0]));
    server = WebServer.start("127.0.0.1", 0, lab);
  }

  @AfterEach
  void stopServer() {
    browser.get("about:blank");
    server.close();
  }

  @Test
  void showsEverySettingInEveryChartEveryTileAndEveryTableGroup() {
    ticks(120);
    open(1400, 1000, "light");

    await("all charts drawn", () -> count("#charts .u-over") == LINE_CHARTS);
    for (String chart : List.of("shared-ratio", "fault-rate", "gc-counts", "shared-writes")) {
      for (String gc : SETTINGS) {
        WebElement entry = find("#chart-" + chart + " .legend [data-gc='" + gc + "'] b");
        await(chart + " of " + gc, () -> entry.getText().matches(".*\\d.*"));
        assertThat(pixelsOfSetting(chart, gc)).as("%s: line of %s", chart, gc).isGreaterThan(20);
      }
    }
    assertThat(count("#chart-causes .stack-row")).isEqualTo(SETTINGS.size());
    assertThat(find("#chart-causes [data-gc='default'] .stack-bar").getAttribute("aria-label"))
        .matches("default: [\\d,]+ pages copied: refcount [\\d,]+, GC head [\\d,]+, .*");

    assertThat(texts("#tiles .row h3")).isEqualTo(SETTINGS);
    for (String gc : SETTINGS) {
      assertThat(find("#tiles [data-gc='" + gc + "'] [data-metric='shared'] dd").getText())
          .matches("\\d+\\.\\d\\s*%");
      assertThat(find("#tiles [data-gc='" + gc + "'] [data-metric='pss'] dd").getText())
          .matches("\\d+\\.\\d\\s*MiB");
    }
    assertThat(count("#workers tbody")).isEqualTo(SETTINGS.size());
    assertThat(count("#workers tr.process")).isEqualTo(SETTINGS.size() * 5);
    assertThat(count("#workers tr[data-slot='master']")).isEqualTo(SETTINGS.size());
    assertThat(texts("#recipes h3")).isEqualTo(SETTINGS);
    assertThat(find("#recipe-freeze pre").getText()).contains("gc.freeze()").contains("pre_fork");
    assertThat(find("#connection").getText()).isEqualTo("live");
    assertNoComplaints();
  }

  @Test
  void followsTheRunAndTogglesASettingInAllChartsAtOnce() {
    ticks(30);
    open(1400, 1000, "light");
    WebElement requests =
        find("#workers tbody[data-gc='freeze'] tr[data-slot='0'] td:nth-child(3)");
    String before = requests.getText();
    lab.tick();
    await("the next second", () -> !requests.getText().equals(before));

    find("#chart-pss .legend [data-gc='disabled']").click();
    assertThat(count(".legend [data-gc='disabled'][aria-pressed='false']")).isEqualTo(LINE_CHARTS);
    assertThat(find("#chart-causes [data-gc='disabled']").isDisplayed()).isFalse();
    assertThat(pixelsOfSetting("pss", "disabled")).isZero();
    find("#chart-latency .legend [data-gc='disabled']").sendKeys(Keys.SPACE);
    assertThat(count(".legend [data-gc='disabled'][aria-pressed='true']")).isEqualTo(LINE_CHARTS);

    find("#worker-filter [data-value='freeze']").click();
    assertThat(find("#workers tbody[data-gc='default']").isDisplayed()).isFalse();
    assertThat(find("#workers tbody[data-gc='freeze']").isDisplayed()).isTrue();
    assertNoComplaints();
  }

  @Test
  void buttonsAndFieldsReachTheRun() {
    ticks(10);
    open(1400, 1000, "light");
    find("#tiles [data-gc='freeze'] [data-restart='rolling']").click();
    await("answer", () -> find("#answer").getText().contains("Rolling restart asked for: freeze"));
    find(".controls [data-gc='all'][data-restart='full']").click();
    await("answer", () -> find("#answer").getText().contains("all settings"));
    find("#speed [data-value='2']").click();
    await("answer", () -> find("#answer").getText().contains("Speed: 2"));
    WebElement rate = find("#rate");
    // as a person does: clear() would leave the field, and the next snapshot would fill it again
    rate.sendKeys(Keys.chord(Keys.CONTROL, "a"), "75", Keys.ENTER);
    await("answer", () -> find("#answer").getText().contains("75"));
    assertThat(lab.asked)
        .containsExactly("restart freeze rolling", "restart all full", "speed 2.0", "rate 75.0");
    assertNoComplaints();
  }

  @Test
  void isDarkWhenTheSystemIsAndWhenToldTo() {
    ticks(5);
    open(1400, 1000, "dark");
    assertThat(background()).isEqualTo("rgb(14, 17, 22)");
    WebElement theme = find("#theme");
    theme.click();
    assertThat(theme.getAttribute("aria-label")).isEqualTo("Colour theme: light");
    assertThat(background()).isEqualTo("rgb(245, 246, 248)");
    browser.navigate().refresh();
    await("remembered", () -> background().equals("rgb(245, 246, 248)"));
    find("#theme").click();
    assertThat(background()).isEqualTo("rgb(14, 17, 22)");
    browser.executeScript("localStorage.clear()");
    assertNoComplaints();
  }

  @Test
  void fitsANarrowScreenWithoutScrollingSideways() {
    ticks(60);
    open(390, 844, "light");
    await("charts drawn", () -> count("#charts .u-over") == LINE_CHARTS);
    Object hidden =
        browser.executeScript(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assertThat(hidden).isEqualTo(0L);
    Object tooWide =
        browser.executeScript(
            "return [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, pre') "
                + "&& e.getBoundingClientRect().right > 391).map(e => e.className).join(' ')");
    assertThat(tooWide).isEqualTo("");
    assertNoComplaints();
  }

  @Test
  void everyControlHasANameAndTheKeyboardMovesTheCursor() {
    ticks(30);
    open(1400, 1000, "light");
    await("charts drawn", () -> count("#charts .u-over") == LINE_CHARTS);
    Object nameless =
        browser.executeScript(
            "return [...document.querySelectorAll('button, input, [role=img], [role=group],"
                + " [tabindex=\"0\"]')].filter(e => !(e.textContent.trim() && e.tagName === 'BUTTON')"
                + " && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')"
                + " && !(e.labels && e.labels.length)).map(e => e.outerHTML.slice(0, 80)).join('\\n')");
    assertThat(nameless).isEqualTo("");
    WebElement plot = find("#chart-pss .plot");
    assertThat(plot.getAttribute("aria-label")).contains("PSS of a worker").contains("freeze ");
    WebElement value = find("#chart-pss .legend [data-gc='disabled'] b");
    String newest = value.getText();
    plot.sendKeys(Keys.HOME);
    await("value at the cursor", () -> !value.getText().equals(newest));
    assertNoComplaints();
  }

  @Test
  void saysThatTheRunHasJustBegunAndThatTheConnectionIsLost() throws ListenException {
    open(1400, 1000, "light");
    await("begin", () -> find("#notice").getText().contains("has just begun"));
    assertThat(count(".plot .waiting:not([hidden])")).isEqualTo(LINE_CHARTS);
    lab.tick();
    lab.tick();
    await("under way", () -> !find("#notice").isDisplayed());
    assertNoComplaints();
    server.close();
    await("lost", () -> find("#connection").getText().equals("connection lost"));
    assertThat(find("#notice").getText()).startsWith("The connection to the lab is lost");

    lab.tick();
    int port = server.port();
    server = WebServer.start("127.0.0.1", port, lab);
    await("found again", () -> find("#connection").getText().equals("live"));
    assertThat(find("#notice").isDisplayed()).isFalse();
  }

  private void ticks(int number) {
    for (int i = 0; i < number; i++) {
      lab.tick();
    }
  }

  private void open(int width, int height, String scheme) {
    browser.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    browser.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    browser.manage().logs().get(LogType.BROWSER);
    browser.get(server.url().toString());
    await("the first snapshot", () -> count("#tiles .row") == SETTINGS.size());
  }

  /** How many pixels of a chart have exactly the colour of the setting. */
  private static long pixelsOfSetting(String chart, String gc) {
    Object pixels =
        browser.executeScript(
            """
            const mark = document.querySelector(`#chart-${arguments[0]} [data-gc='${arguments[1]}'] .mark`);
            const [r, g, b] = getComputedStyle(mark).color.match(/\\d+/g).map(Number);
            const canvas = document.querySelector(`#chart-${arguments[0]} canvas`);
            const copy = document.createElement('canvas');
            copy.width = canvas.width;
            copy.height = canvas.height;
            const context = copy.getContext('2d', { willReadFrequently: true });
            context.drawImage(canvas, 0, 0);
            const data = context.getImageData(0, 0, copy.width, copy.height).data;
            let found = 0;
            for (let i = 0; i < data.length; i += 4)
              if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 6 && data[i + 3] > 200) found++;
            return found;
            """,
            chart,
            gc);
    return (Long) Objects.requireNonNull(pixels);
  }

  private static String background() {
    return String.valueOf(
        browser.executeScript("return getComputedStyle(document.body).backgroundColor"));
  }

  private static WebElement find(String selector) {
    return browser.findElement(By.cssSelector(selector));
  }

  private static int count(String selector) {
    return browser.findElements(By.cssSelector(selector)).size();
  }

  private static List<String> texts(String selector) {
    return browser.findElements(By.cssSelector(selector)).stream()
        .map(WebElement::getText)
        .toList();
  }

  private interface Condition {
    boolean holds();
  }

  private static void await(String what, Condition condition) {
    new WebDriverWait(browser, PATIENCE, Duration.ofMillis(100))
        .withMessage(what)
        .until(unused -> condition.holds());
  }

  /** No error, warning or violation of the content security policy on the console. */
  private static void assertNoComplaints() {
    List<String> complaints =
        browser.manage().logs().get(LogType.BROWSER).getAll().stream()
            .map(LogEntry::toString)
            .toList();
    assertThat(complaints).isEmpty();
  }
}
