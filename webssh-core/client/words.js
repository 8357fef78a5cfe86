/** What `terminal.js` says, in English and Chinese. */

/** What is said to the person, by language. */
export const WORDS = {
  en: {
    terminal: "Terminal", connecting: "connecting", open: "connected", observer: "looking on", resumed: "connected again; nothing was lost",
    cut: "connection lost, trying again", exit: (status) => `the shell ended with status ${status}`, again: "Connect again",
    search: "Search", searchFor: "Search the output", next: "Next match", previous: "Previous match", close: "Close",
    smaller: "Smaller letters", larger: "Larger letters", theme: "Colours", latency: (ms) => `${ms} ms`,
    watchers: (count) => `${count} looking on`, keys: "Keys", paste: "Paste", copied: "copied", drop: "Drop files to upload them",
    trust: "Trust this server?", trustWhy: "Its key is not known yet. Compare the fingerprint with one from a source you trust.",
    yes: "Trust it", no: "Do not connect", answer: "Continue", cancel: "Cancel", bell: "the bell rang",
    failures: {
      13: "another tab or device has taken this terminal over", 14: "you were removed from this terminal",
      15: "there is no room for another terminal now", 16: "the ticket is used up: connect again", 17: "the session has ended meanwhile",
    },
  },
  zh: {
    terminal: "终端", connecting: "正在连接", open: "已连接", observer: "旁观中", resumed: "已重新连接，内容没有丢失",
    cut: "连接中断，正在重试", exit: (status) => `会话已结束，退出码 ${status}`, again: "重新连接",
    search: "搜索", searchFor: "搜索输出内容", next: "下一个", previous: "上一个", close: "关闭",
    smaller: "缩小字号", larger: "放大字号", theme: "配色", latency: (ms) => `${ms} 毫秒`,
    watchers: (count) => `${count} 人旁观`, keys: "按键", paste: "粘贴", copied: "已复制", drop: "拖放文件即可上传",
    trust: "是否信任此服务器？", trustWhy: "尚无此服务器的密钥记录。请与可信来源提供的指纹核对。",
    yes: "信任", no: "不连接", answer: "继续", cancel: "取消", bell: "响铃",
    failures: {
      1: "通信出错，请刷新页面", 2: "页面版本过旧，请刷新", 3: "长时间没有输入，会话已结束", 4: "会话已达到最长时限",
      5: "浏览器没有响应", 6: "会话被信号终止", 7: "与服务器的连接中断", 8: "无法连接服务器", 9: "服务器的密钥未被接受",
      10: "服务器拒绝了登录", 11: "此终端不再对您开放", 12: "服务正在重启，请重新连接",
      13: "此终端已在其他标签页或设备上打开", 14: "您已被移出此终端",
      15: "终端数量已达上限，请稍后再试", 16: "票据已失效，请重新连接", 17: "会话已经结束",
      18: "录制失败，会话已结束", 19: "不允许执行该命令", 20: "登录失败次数过多，请稍后再试", 21: "此服务器不对您开放",
    },
  },
};
