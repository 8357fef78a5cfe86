//! The exercises of the courses: what a learner picks before a terminal opens.

/// One exercise, in both languages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exercise {
    pub(crate) id: &'static str,
    pub(crate) title_en: &'static str,
    pub(crate) title_zh: &'static str,
    pub(crate) task_en: &'static str,
    pub(crate) task_zh: &'static str,
}

impl Exercise {
    /// Its name in the language `zh` or any other.
    pub(crate) fn title(&self, lang: &str) -> &'static str {
        if lang == "zh" { self.title_zh } else { self.title_en }
    }

    /// What to do, in the same language.
    pub(crate) fn task(&self, lang: &str) -> &'static str {
        if lang == "zh" { self.task_zh } else { self.task_en }
    }
}

const SHELL: [Exercise; 4] = [
    Exercise {
        id: "first-steps",
        title_en: "First steps",
        title_zh: "初识终端",
        task_en: "Find out where you are, what is there, and who you are: pwd, ls -la, id.",
        task_zh: "看看自己在哪里、有哪些文件、是什么用户：pwd、ls -la、id。",
    },
    Exercise {
        id: "pipes",
        title_en: "Pipes",
        title_zh: "管道",
        task_en: "Count how many words of /etc/services begin with each letter: cut, sort, uniq -c.",
        task_zh: "统计 /etc/services 中各首字母的单词数：cut、sort、uniq -c。",
    },
    Exercise {
        id: "editor",
        title_en: "The editor",
        title_zh: "编辑器",
        task_en: "Write a poem with vi, save it as poem.txt, and read it with less.",
        task_zh: "用 vi 写一首诗，存为 poem.txt，再用 less 阅读。",
    },
    Exercise {
        id: "scripts",
        title_en: "A first script",
        title_zh: "第一个脚本",
        task_en: "Write a script that greets each name it is given. What if it is given none?",
        task_zh: "写一个脚本，向参数中的每个名字问好。没有参数时怎么办？",
    },
];

const CODE: [Exercise; 3] = [
    Exercise {
        id: "scratch",
        title_en: "Scratch pad",
        title_zh: "草稿台",
        task_en: "A shell to try things out. What you write in your home stays until the lab closes.",
        task_zh: "随意尝试的终端。主目录中的文件会保留到实验室关闭。",
    },
    Exercise {
        id: "read-a-log",
        title_en: "Read a log",
        title_zh: "读日志",
        task_en: "Make a log of 1,000 lines with seq and date, and find what grep and awk can tell of it.",
        task_zh: "用 seq 与 date 生成一千行日志，再用 grep 和 awk 分析。",
    },
    Exercise {
        id: "processes",
        title_en: "Processes",
        title_zh: "进程",
        task_en: "Start a job in the background, watch it with top, stop it and let it go on.",
        task_zh: "启动后台任务，用 top 观察，暂停后再继续。",
    },
];

/// The exercises of a course, the first one first.
pub(crate) fn exercises(slug: &str) -> &'static [Exercise] {
    if slug == "shell" { &SHELL } else { &CODE }
}

/// An exercise of a course.
pub(crate) fn exercise(slug: &str, id: &str) -> Option<&'static Exercise> {
    exercises(slug).iter().find(|exercise| exercise.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exercise_is_found_in_its_course_only() {
        assert_eq!(exercise("shell", "pipes").map(|it| it.title("zh")), Some("管道"));
        assert_eq!(exercise("rust", "pipes"), None);
        for one in SHELL.iter().chain(&CODE) {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(one.id.bytes().all(plain), "{}", one.id);
        }
    }
}
